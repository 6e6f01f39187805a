"""The keeper's settings: from flags, `BULKHEAD_KEEPER_*` in the environment, or a YAML file, in
this order. Each is checked before anything starts."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from eth_account import Account
from eth_account.signers.local import LocalAccount
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bulkhead.deploy.plan import check_address
from bulkhead.deploy.record import load as load_record
from bulkhead.errors import BadInput, BadInputs
from bulkhead.keeper.decide import Policy
from bulkhead.keeper.fees import Caps
from bulkhead.keeper.market import MarketPlace
from bulkhead.keeper.prices import DataFee, NativePrice
from bulkhead.keeper.wallet import Patience
from bulkhead.model.wad import WAD

PREFIX = "BULKHEAD_KEEPER_"
CONFIG = PREFIX + "CONFIG"  # the settings file, where there is no flag for it
GWEI = 10**9
Share = Annotated[Decimal, Field(ge=0, le=1)]
Amount = Annotated[Decimal, Field(ge=0)]
Words = Annotated[tuple[str, ...], NoDecode]


class KeeperSettings(BaseSettings):
    """Descriptions of the fields are the table in `docs/keeper.md`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    # where
    node: str = Field("http://127.0.0.1:8545", description="node: http, https, ws, wss or ipc")
    second_node: str | None = Field(None, description="another node that must agree to each action")
    private_node: str | None = Field(None, description="where transactions go instead of the pool")
    markets: Words = Field((), description="deployment records, or market@lens addresses")
    database: str = Field("sqlite:///keeper.db", description="SQLite or PostgreSQL by URL")
    # who
    key: SecretStr | None = Field(None, description="private key, hex; none: dry run")
    key_file: Path | None = Field(None, description="encrypted key file (geth, ape)")
    key_password: SecretStr | None = Field(None, description="its password")
    # money
    min_profit: Amount = Field(Decimal(1), description="of a transaction, quote")
    budget: Amount = Field(Decimal("0.5"), description="native coin in a window, never exceeded")
    budget_hours: Annotated[Decimal, Field(gt=0)] = Field(Decimal(24), description="that window")
    max_fee_gwei: Amount = Field(Decimal(300), description="highest maxFeePerGas")
    max_tip_gwei: Amount = Field(Decimal(50), description="highest priority fee")
    min_tip_gwei: Amount = Field(Decimal("0.01"), description="lowest priority fee")
    tip_share: Share = Field(Decimal("0.3"), description="of the profit that a bid may give away")
    native_price: str = Field("mark", description="`mark`, a feed's address, or quote per coin")
    data_fee: DataFee = Field(DataFee.NONE, description="L1 data fee: none, optimism, arbitrum")
    win_rate: Share = Field(Decimal(1), description="races expected to be won; lowered by results")
    # work
    margin_calls: bool = Field(True, description="liquidate where the owner is called first")
    adl: bool = Field(False, description="auto-deleverage; pays nothing")
    orders: bool = Field(True, description="fill, advance and clean up orders")
    orders_since: Annotated[int, Field(ge=0)] = Field(
        0, description="block of the oldest order, where a market is given by addresses"
    )
    advance_step: Share = Field(
        Decimal("0.25"), description="of its distance, that a trailing stop may lag"
    )
    advance_share: Share = Field(
        Decimal("0.25"), description="of an order's fee, spent on advancing it"
    )
    advance_subsidy: Amount = Field(
        Decimal(0), description="of each advance beyond that share, quote"
    )
    order_subsidy: Amount = Field(
        Decimal(0), description="of each fill or release beyond the order's fee, quote"
    )
    max_batch: Annotated[int, Field(ge=1, le=500)] = Field(
        40, description="positions or orders at once"
    )
    max_transactions: Annotated[int, Field(ge=1)] = Field(8, description="sent in one look")
    max_gas: Annotated[int, Field(ge=200_000)] = Field(2**24, description="limit of a transaction")
    bump_after: Annotated[int, Field(ge=1)] = Field(3, description="blocks until a bid is raised")
    public_after: Annotated[int, Field(ge=0)] = Field(
        2, description="blocks until a private transaction goes public; 0: never"
    )
    confirmations: Annotated[int, Field(ge=1)] = Field(12, description="blocks until final")
    claim_secs: Annotated[float, Field(gt=0)] = Field(
        60.0, description="how long a shared database keeps other keepers off a position"
    )
    # watching
    poll_secs: Annotated[float, Field(gt=0)] = Field(1.0, description="between looks over HTTP")
    timeout_secs: Annotated[float, Field(gt=0)] = Field(10.0, description="of a request")
    reorg_depth: Annotated[int, Field(ge=1)] = Field(128, description="blocks remembered")
    max_log_range: Annotated[int, Field(ge=1)] = Field(2_000, description="blocks in a request")
    audit_ids: Annotated[int, Field(ge=0)] = Field(
        50, description="positions compared with the chain at each look; 0: none"
    )
    # looking at it
    metrics_host: str = Field("127.0.0.1", description="of /metrics and /health")
    metrics_port: Annotated[int, Field(ge=0, le=65_535)] | None = Field(
        None, description="their port; none: not served"
    )
    health_secs: Annotated[float, Field(gt=0)] = Field(
        120.0, description="without a good look until /health fails"
    )
    log_format: Literal["json", "text"] = Field("json", description="of the log")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="of it")

    @field_validator("markets", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        text = value.strip()
        return json.loads(text) if text.startswith("[") else [w for w in text.split(",") if w]

    # ---- what the parts take

    def policy(self, win_rate: int = WAD) -> Policy:
        """For `decide`; `win_rate` as it was lately."""
        caps = Caps(_wei(self.max_fee_gwei), _wei(self.max_tip_gwei), _wad(self.tip_share))
        return Policy(
            caps=caps,
            min_profit=_wad(self.min_profit),
            budget=_wad(self.budget),
            win_rate=min(win_rate, _wad(self.win_rate)),
            max_batch=self.max_batch,
            max_gas=self.max_gas,
            max_transactions=self.max_transactions,
            margin_calls=self.margin_calls,
            adl=self.adl,
            advance_step=_wad(self.advance_step),
            advance_share=_wad(self.advance_share),
            advance_subsidy=_wad(self.advance_subsidy),
            order_subsidy=_wad(self.order_subsidy),
        )

    @property
    def min_tip(self) -> int:
        """Wei per gas."""
        return _wei(self.min_tip_gwei)

    @property
    def patience(self) -> Patience:
        """For the wallet."""
        return Patience(self.bump_after, self.public_after, self.confirmations)

    @property
    def native(self) -> NativePrice:
        """For gas prices."""
        return NativePrice(self.native_price)

    def places(self) -> list[MarketPlace]:
        """Markets with their lenses."""
        if not self.markets:
            raise BadInput("markets", "nothing", "records of deployments, or market@lens")
        found = []
        for text in self.markets:
            market, at, lens = text.partition("@")
            if at:
                pair = check_address("market", market), check_address("lens", lens)
                found.append(MarketPlace(pair[0].lower(), pair[1].lower(), self.orders_since))
            else:
                record = load_record(Path(text))
                market, lens = record.address("market"), record.address("lens")
                found.append(MarketPlace(market.lower(), lens.lower(), record.block))
        return found

    def account(self) -> LocalAccount | None:
        """Who signs; None for a dry run."""
        if self.key is not None and self.key_file is not None:
            raise BadInput("key_file", self.key_file, "either a key or a key file")
        try:
            if self.key is not None:
                found: LocalAccount = Account.from_key(self.key.get_secret_value())
                return found
            if self.key_file is None:
                return None
            word = self.key_password.get_secret_value() if self.key_password else ""
            opened: LocalAccount = Account.from_key(
                Account.decrypt(self.key_file.read_text(), word)
            )
            return opened
        except (ValueError, TypeError, OSError) as problem:
            what = "key" if self.key is not None else "key_file"
            shown = "***" if self.key is not None else self.key_file
            limit = f"it can't be read ({type(problem).__name__})"
            raise BadInput(what, shown, limit) from None


def _wad(value: Decimal) -> int:
    return int(value * WAD)


def _wei(gwei: Decimal) -> int:
    return int(gwei * GWEI)


def _file(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as problem:
        raise BadInput("settings file", path, f"YAML is wanted: {problem}") from None
    if found is not None and not isinstance(found, dict):
        raise BadInput("settings file", path, "names and values, one a line")
    return {str(name): value for name, value in (found or {}).items()}


def load(path: Path | None = None, **flags: Any) -> KeeperSettings:
    """Flags before environment before file. `BadInputs` names everything that is wrong."""
    values = _file(path) if path else {}
    known = {PREFIX + name.upper() for name in KeeperSettings.model_fields} | {CONFIG}
    unknown = sorted(
        n for n in os.environ if n.upper().startswith(PREFIX) and n.upper() not in known
    )
    if unknown:
        limit = "there is no such setting; `bulkhead keeper settings` lists them"
        raise BadInputs("environment", [BadInput(name, "***", limit) for name in unknown])

    class Layered(KeeperSettings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, values)

    try:
        return Layered(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as problem:
        raise BadInputs("keeper settings", _problems(problem)) from None


def _problems(problem: ValidationError) -> list[BadInput]:
    found = []
    for one in problem.errors():
        name = ".".join(str(part) for part in one["loc"])
        hidden = "key" in name or "password" in name or one["type"] == "extra_forbidden"
        shown = "***" if hidden else one["input"]
        found.append(BadInput(name, shown, one["msg"]))
    return found
