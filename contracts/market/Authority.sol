// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// @title Who may govern a market
/// @notice OpenZeppelin's AccessManager, unchanged. Deployment gives three roles and then gives up its own:
/// ADMIN and TIMELOCK to
///         governance with a delay of at least two days, GUARDIAN to whoever may stop risk at once
///         (`bulkhead verify` reads them).
/// @custom:halt Nothing to halt: it acts only for the members of its roles.
contract Authority is AccessManager {
    constructor(address initialAdmin) AccessManager(initialAdmin) {}
}
