"""The form of a counterexample's file: whatever is not as `bulkhead fuzz` writes it is refused,
by field, value and limit, before a market is stood up for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetPydanticSchema,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    create_model,
)

from bulkhead.errors import BadInput, BadInputs
from bulkhead.fuzz.laws.catalogue import LAWS
from bulkhead.fuzz.ops import TRIAL
from bulkhead.fuzz.people import NAMES, START
from bulkhead.fuzz.signing import SIGNATURES
from bulkhead.fuzz.speech import FAILURES
from bulkhead.fuzz.stage import (
    ALIASED_TOKEN,
    HALTING,
    HOOK_TOKEN,
    LISTING_TOKEN,
    MOLE,
    OWNER_CONTRACTS,
    TOKENS,
)
from bulkhead.fuzz.trials import LOOKS, TRIALS
from bulkhead.model.types import Bracket, Params

VERSION = 1
HARNESS = "harness"  # instead of a law: what the fuzzer itself failed at
MOST_TOLD = 10  # problems of one file
_STRICT = ConfigDict(extra="forbid", strict=True)
_PLACE = re.compile(r"(pool|fund|market|book|vault \d{1,10})( of market ([1-9]\d?))?")
_ADDRESS = re.compile(r"0x[0-9a-f]{40}")

Word = Annotated[int, Field(strict=True, ge=0, lt=2**256)]
Signed = Annotated[int, Field(strict=True, ge=-(2**255), lt=2**255)]
Flag = Annotated[bool, Field(strict=True)]
Text = Annotated[str, Field(strict=True)]
Hash = Annotated[str, Field(strict=True, pattern="^0x[0-9a-f]{64}$")]


def _one_of(value: str, known: Any) -> str:
    if value not in known:
        raise ValueError(f"one of {', '.join(sorted(known))}")
    return value


def _known(value: str, info: ValidationInfo) -> str:
    """An address, or the name of somebody or something that a setting's world has."""
    setting: SettingForm = (info.context or {})["setting"]
    if value in setting.names() or _ADDRESS.fullmatch(value):
        return value
    place = _PLACE.fullmatch(value)
    if place is None or not 1 <= int(place[3] or 1) <= len(setting.params):
        raise ValueError("an address, or a name of somebody or something in this setting")
    return value


Who = Annotated[Text, AfterValidator(_known)]
Signature = Annotated[Text, AfterValidator(lambda value: _one_of(value, SIGNATURES))]
Token = Annotated[Text, AfterValidator(lambda value: _one_of(value, TOKENS))]
Law = Annotated[Text, AfterValidator(lambda value: _one_of(value, {*LAWS, HARNESS}))]
Trial = Annotated[Text, AfterValidator(lambda value: _one_of(value, {**TRIALS, **LOOKS}))]
Place = Annotated[Text, Field(pattern=f"^{_ADDRESS.pattern}$")]


def _made(kind: type, *of: Any) -> Any:
    """A type that only the table below knows."""
    return GenericAlias(kind, of)


def _all_of(kind: type, **instead: Any) -> Any:
    """A model with the fields of a dataclass: words, but for those given."""
    types: dict[str, Any] = {each.name: instead.get(each.name, Word) for each in fields(kind)}
    form: dict[str, Any] = {name: (one, ...) for name, one in types.items()}
    return create_model(f"{kind.__name__}Form", __config__=_STRICT, **form)


_PARAMS = _all_of(Params, oracle=Place, treasury=Place, brackets=_made(list, _all_of(Bracket)))
_MARKETS, _FEW = _made(list, _PARAMS), Field(min_length=1, max_length=2)


class SettingForm(BaseModel):
    """A setting, whole."""

    model_config = _STRICT

    decimals: Annotated[int, Field(ge=0, le=18)]
    token: Token
    contracts: Flag
    scale: Annotated[int, Field(ge=1, lt=2**256)] = 1
    params: Annotated[list[Any], GetPydanticSchema(lambda _, handler: handler(_MARKETS)), _FEW]

    def names(self) -> set[str]:
        """Of everybody, and of what only some settings have."""
        found = {*NAMES.values(), "another token"}
        found |= set(OWNER_CONTRACTS) if self.contracts else set()
        found |= {MOLE} if self.token == HOOK_TOKEN else set()
        return found | ({"the token's second address"} if self.token == ALIASED_TOKEN else set())


class OrderForm(BaseModel):
    """An order, whole."""

    model_config = _STRICT

    owner: Who
    position_id: Word
    epoch: Word
    phase: Word
    kind: Annotated[int, Field(ge=0, le=3)]
    reduce_only: Flag
    size: Signed
    trigger_price: Word
    trail: Word
    price_limit: Word
    margin: Word
    keeper_fee: Word
    expiry: Word
    parent: Hash
    group: Hash
    salt: Word


class NewParams(BaseModel):
    """Parameters as an argument."""

    model_config = _STRICT

    params: Annotated[Any, GetPydanticSchema(lambda _, handler: handler(_PARAMS))]


class NewOrder(BaseModel):
    """An order as an argument."""

    model_config = _STRICT

    order: OrderForm


class StepForm(BaseModel):
    """A step; what its arguments must be, its name says."""

    model_config = _STRICT

    name: Text
    actor: Text
    args: list[Any]
    wait: Annotated[int, Field(ge=0, le=2**40)]
    market: Annotated[int, Field(ge=0)]


class Document(BaseModel):
    """A file."""

    model_config = _STRICT

    version: Literal[1]
    law: Law
    text: Text
    setting: SettingForm
    steps: list[StepForm]
    trace: str = ""  # of a crash while it was played or cut down


W, S, A, B = Word, Signed, Who, Flag
_ACTS: dict[str, tuple[Any, ...]] = {  # of the market: what an owner may do in a margin call
    "open": (W, S, W, W, W),
    "increase": (W, S, W, W),
    "decrease": (W, S, W, W),
    "close": (W, W, W),
    "close_and_withdraw": (W, W, W, A),
    "add_margin": (W, W),
    "remove_margin": (W, W, A),
    "settle": (W,),
    "accrue": (),
    "liquidate": (W, A),
    "liquidate_many": (list[Word], A),
    "deleverage": (W,),
    "reserve": (A,),
    "set_margin_call": (W, B),
    "transfer_position": (W, A),
    "set_delegate": (W, A, W),
    "set_lock": (W, W),
    "free_lock": (W, A),
    "sweep_foreign": (W, A, A),
    "draw_ticket": (W, A),
    "sweep_fees": (),
    "settle_final": (W,),
    "execute_final": (),
    "send": (A, W),
}
_ARGS: dict[str, tuple[Any, ...]] = {
    **_ACTS,
    "set_params": (NewParams,),
    "enter_reduce_only": (),
    "leave_reduce_only": (),
    "announce_final": (W,),
    "request_deposit": (W, A, A),
    "request_redeem": (W, A, A),
    "refund_deposit": (A, A),
    "deposit": (W, A, A),
    "mint": (W, A, A),
    "deposit_own": (W, A),
    "mint_own": (W, A),
    "redeem": (W, A, A),
    "withdraw": (W, A, A),
    "set_operator": (A, B),
    "share_transfer": (A, W),
    "share_approve": (A, W),
    "share_transfer_from": (A, A, W),
    "place_order": (NewOrder,),
    "place_signed": (NewOrder, Signature),
    "cancel_order": (NewOrder,),
    "cancel_signed": (NewOrder, Signature),
    "edit_order": (NewOrder, NewOrder),
    "execute_order": (NewOrder, A),
    "execute_orders": (list[NewOrder], A),
    "release_order": (NewOrder, A),
    "advance_order": (NewOrder,),
    "claim_refund": (A,),
    "send_foreign": (A, W),
    "set_price": (W, W, Annotated[int, Field(strict=True, ge=-(2**128), le=START)], W),
    "fail_oracle": (Annotated[int, Field(strict=True, ge=1, lt=len(FAILURES))],),
    "block": (A, B, B),
    "destroy": (A, W),
    "halt": (B,),
    "arm": (W, W),
    "plan": (list[list[Any]],),
    TRIAL: (Trial, W),
}
_NOBODYS = ("set_price", "fail_oracle", "halt", "arm", "plan", TRIAL)  # need no actor
_TOKENS_OF = {
    **dict.fromkeys(("block", "destroy"), (LISTING_TOKEN,)),
    "halt": tuple(HALTING),
    "arm": (HOOK_TOKEN,),
}
_ADAPTERS: dict[str, TypeAdapter[Any]] = {
    name: TypeAdapter(_made(tuple, *types)) for name, types in _ARGS.items()
}
_WHO: TypeAdapter[str] = TypeAdapter(Who)


def check(document: object, path: Path) -> None:
    """Refuses with all that is wrong; a file of another version with that alone."""
    version = document.get("version") if isinstance(document, dict) else None
    if type(version) is not int or version != VERSION:
        raise BadInput("counterexample", path, f"a file of `bulkhead fuzz`, version {VERSION}")
    try:
        read = Document.model_validate(document)
    except ValidationError as problem:
        found = list(_problems(problem, ""))
    else:
        found = [each for at, step in enumerate(read.steps) for each in _step(step, at, read)]
    if found:
        raise BadInputs(str(path), found[:MOST_TOLD], len(found))


def _step(step: StepForm, at: int, read: Document) -> Iterator[BadInput]:
    where, setting = f"steps.{at}", read.setting
    if step.name not in _ARGS:
        yield BadInput(f"{where}.name", step.name, f"one of {', '.join(_ARGS)}")
        return
    tokens = _TOKENS_OF.get(step.name, TOKENS)
    if setting.token not in tokens:
        limit = f"only with token {' or '.join(tokens)}"
        yield BadInput(f"{where}.name", step.name, limit)
    if step.name == "plan" and not setting.contracts:
        yield BadInput(f"{where}.name", step.name, "only where owners are contracts")
    if step.market >= len(setting.params):
        yield BadInput(f"{where}.market", step.market, f"0 to {len(setting.params) - 1}")
    context = {"setting": setting}
    if step.actor or step.name not in _NOBODYS:
        yield from _fits(_WHO, step.actor, f"{where}.actor", context)
    yield from _fits(_ADAPTERS[step.name], step.args, f"{where}.args", context)
    if step.name == "plan" and len(step.args) == 1 and isinstance(step.args[0], list):
        for number, act in enumerate(step.args[0]):
            yield from _act(act, f"{where}.args.0.{number}", context)


def _act(act: Any, where: str, context: Mapping[str, Any]) -> Iterator[BadInput]:
    """What an owner does in a margin call: a name and arguments."""
    if not isinstance(act, list) or not act or act[0] not in [*_ACTS]:
        yield BadInput(where, act, f"a list that begins with one of {', '.join(_ACTS)}")
    else:
        yield from _fits(_ADAPTERS[act[0]], act[1:], where, context)


def _fits(
    adapter: TypeAdapter[Any], value: object, where: str, context: Mapping[str, Any]
) -> Iterator[BadInput]:
    try:
        adapter.validate_python(value, context=dict(context))
    except ValidationError as problem:
        yield from _problems(problem, where)


def _problems(problem: ValidationError, where: str) -> Iterator[BadInput]:
    for error in problem.errors(include_url=False):
        name = ".".join([*([where] if where else []), *map(str, error["loc"])])
        missing = error["type"] == "missing"
        value = "nothing" if missing else repr(error["input"])[:100]
        cause = error.get("ctx", {}).get("error")
        yield BadInput(name, value, str(cause or error["msg"]))
