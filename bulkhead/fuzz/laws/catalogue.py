"""The laws' ids and what each says, in one line."""

from __future__ import annotations

LAWS: dict[str, str] = {
    "I-01": "A vault's balance is the model's, and nothing else",
    "I-02": "No token unit appears or disappears",
    "I-05": "The sides' sums are the positions'",
    "I-10": "An action leaves all other positions alone",
    "I-26": "Liquidation succeeds if and only if it may",
    "I-27": "No owner can keep off a liquidation that is due",
    "I-28": "A partial liquidation helps, and is enough",
    "I-30": "Liquidating oneself earns nothing",
    "I-50": "The model foretells every outcome and every view",
}
