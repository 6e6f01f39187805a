"""The ABI codec against eth_abi, an independent implementation."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi import abi as reference
from hypothesis import given
from hypothesis import strategies as st

from bulkhead.chain.abi import AbiError, codec, parameters

_LEAVES = {
    "uint8": st.integers(0, 2**8 - 1),
    "uint256": st.integers(0, 2**256 - 1),
    "int88": st.integers(-(2**87), 2**87 - 1),
    "int256": st.integers(-(2**255), 2**255 - 1),
    "bool": st.booleans(),
    "address": st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex()),
    "bytes4": st.binary(min_size=4, max_size=4),
    "bytes32": st.binary(min_size=32, max_size=32),
    "bytes": st.binary(max_size=70),
    "string": st.text(max_size=40),
}


@st.composite
def _typed(draw: st.DrawFn, depth: int = 2) -> tuple[dict[str, Any], str, Any]:
    """An ABI entry, the same type as a signature string, and a value of it."""
    shape = draw(st.sampled_from(["leaf", "leaf", "array", "fixed", "tuple"])) if depth else "leaf"
    if shape == "leaf":
        kind = draw(st.sampled_from(sorted(_LEAVES)))
        return {"name": "", "type": kind}, kind, draw(_LEAVES[kind])
    if shape == "tuple":
        parts = draw(st.lists(_typed(depth - 1), min_size=1, max_size=3))
        entry = {"name": "", "type": "tuple", "components": [part[0] for part in parts]}
        signature = "(" + ",".join(part[1] for part in parts) + ")"
        return entry, signature, tuple(part[2] for part in parts)
    entry, signature, value = draw(_typed(depth - 1))
    size = draw(st.integers(1 if shape == "fixed" else 0, 3))
    suffix = f"[{size}]" if shape == "fixed" else "[]"
    return {**entry, "type": entry["type"] + suffix}, signature + suffix, [value] * size


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, (list, tuple)) else value


@given(st.lists(_typed(), max_size=4))
def test_codec__any_types_and_values__agrees_with_eth_abi(
    typed: list[tuple[dict[str, Any], str, Any]],
) -> None:
    entries, signatures, values = ([item[place] for item in typed] for place in range(3))
    ours = parameters(entries)
    data = reference.encode(signatures, values)
    assert ours.encode(values) == data
    assert _tuples(ours.decode(data, 0)) == _tuples(reference.decode(signatures, data))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uint8", 256),
        ("uint256", -1),
        ("int8", 128),
        ("int8", -129),
        ("uint256", 1.0),
        ("uint256", "1"),
        ("bool", 2),
        ("address", "0x1234"),
        ("address", None),
        ("bytes4", b"12345"),
        ("string", b"bytes"),
        ("uint8[2]", [1]),
    ],
)
def test_encode__value_that_does_not_fit__is_refused(kind: str, value: Any) -> None:
    with pytest.raises(AbiError):
        codec(kind).encode([value])


@pytest.mark.parametrize("kind", ["uint256", "bytes", "uint256[]", "(uint256,uint256)[]", "string"])
def test_decode__data_cut_short__is_refused(kind: str) -> None:
    with pytest.raises((AbiError, ValueError)):
        parameters(
            [
                {
                    "name": "",
                    "type": "tuple[]" if kind.startswith("(") else kind,
                    "components": [
                        {"name": "a", "type": "uint256"},
                        {"name": "b", "type": "uint256"},
                    ],
                }
            ]
        ).decode(
            (32).to_bytes(32, "big") + (2**200).to_bytes(32, "big") if kind != "uint256" else b"", 0
        )


def test_encode__named_tuple_dict_and_plain_tuple__are_the_same() -> None:
    entry = {
        "name": "p",
        "type": "tuple",
        "components": [{"name": "left", "type": "uint8"}, {"name": "from", "type": "int8"}],
    }
    ours = parameters([entry])
    data = ours.encode([(1, -2)])
    value = ours.decode(data, 0)[0]
    assert value == (1, -2)
    assert value.left == 1
    assert value.from_ == -2
    assert ours.encode([value]) == ours.encode([{"left": 1, "from_": -2}]) == data
