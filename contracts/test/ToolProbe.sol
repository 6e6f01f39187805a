// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice An external library, so that linking is exercised.
library ToolProbeLib {
    error Unlucky(uint256 number);

    function twice(mapping(uint256 => uint256) storage seen, uint256 number) external returns (uint256) {
        if (number == 13) revert Unlucky(number);
        seen[number] = 2 * number;
        return seen[number];
    }
}

/// @notice One of each thing that the chain client must encode, decode and report.
contract ToolProbe {
    struct Pair {
        uint128 left;
        int128 right;
    }

    event Poked(address indexed caller, string indexed label, uint256 number, Pair pair);

    error TooSmall(uint256 given, uint256 limit);

    address public immutable MAKER;
    uint256 public total;
    string public label;

    mapping(uint256 => uint256) private _seen;

    constructor(string memory label_) payable {
        MAKER = msg.sender;
        label = label_;
    }

    function poke(uint256 number) external returns (uint256 doubled) {
        if (number < 5) revert TooSmall(number, 5);
        doubled = ToolProbeLib.twice(_seen, number);
        total += doubled;
        emit Poked(msg.sender, label, number, Pair(uint128(number), -int128(uint128(number))));
    }

    function state() external view returns (Pair memory pair, uint256[] memory numbers, string memory from) {
        numbers = new uint256[](2);
        numbers[1] = total;
        return (Pair(1, -2), numbers, label);
    }

    function pick(uint256 one) external pure returns (uint256) {
        return one;
    }

    function pick(uint256 one, uint256 two) external pure returns (uint256) {
        return one + two;
    }

    function refuse(uint256 how) external pure {
        if (how == 0) revert();
        require(how != 1, "in words");
        assert(how != 2);
    }

    function sum(Pair[] calldata pairs, address who) external pure returns (int256 all, address same) {
        for (uint256 i; i < pairs.length; ++i) {
            all += int256(uint256(pairs[i].left)) + pairs[i].right;
        }
        return (all, who);
    }
}
