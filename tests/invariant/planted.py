"""The other laws: a state in which each holds, and violations that it must report."""

from __future__ import annotations

from bulkhead.fuzz.laws import access, conservation, funding, isolation, liquidation, margin, pool
from bulkhead.fuzz.laws.base import WAD, equity, execution, trading_cost
from bulkhead.fuzz.probe import Pos

from .terms import FLAT, ILL, OTHER, REST, STATE, TERMS, WELL

U = TERMS.unit
TWO = (ILL, OTHER)
SUMS = (10 * WAD, 3 * WAD, 21_000 * WAD, -6_000 * WAD)
SPREAD = TERMS._replace(skew=7 * WAD)
CLAIMS = (20_000 - 21_000) * WAD  # of ILL; OTHER's is 0
NAV = 50_000 * WAD - CLAIMS - 2_000 * WAD * (7 * WAD) ** 2 // (2 * TERMS.skew_scale) // WAD
CASH = 50_000 * 10**6
PAID = [("alice", "pool", 5)]
DAY = 86_400
RAY = 10**27
CAP = 10**18
# A rate that starts at 0 and grows for an hour: S/4 of skew, a velocity of 4e18.
GROWN = 3_600 * 10**18
INDEX = GROWN * 3_600 // 2 * 2_000 * WAD // RAY
END = funding.INDEX_MAX
SCALE = TERMS.skew_scale
LIMITS = (SCALE // 4, 2_000 * WAD, 3_600, SCALE, 4 * 10**18, 10**23)
COST = trading_cost(WAD, TERMS)
BOUGHT = ILL._replace(size=11 * WAD, basis=ILL.basis + 2_000 * WAD + COST, margin=ILL.margin)
FILL = execution(WAD, TERMS)[1]
FEE = -(-execution(WAD, TERMS)[2] // U)
# Closing 6 of 10 pays costs of about 1.2 %, and leaves the target and no more.
TARGET = 8_000 * WAD * 35 // 1_000
NEAT = REST._replace(margin=(TARGET + 400 * WAD) // U)
# Its vault had nothing for the keeper, who is due 30.
UNPAID = REST._replace(margin=0, basis=7_970 * WAD - TARGET)
RICH = OTHER._replace(size=-3 * WAD, basis=-9_000 * WAD)  # a short of 3 from 3,000
LESS = RICH._replace(size=-WAD, basis=-3_000 * WAD, margin=RICH.margin + 2_000 * 10**6)
BROKE = ILL._replace(margin=900 * 10**6)
# DEEP's equity of 333 is less than two thirds of its MM, 500; SMALL's MM is 25.005, the least 25.
DEEP = ILL._replace(margin=1_333 * 10**6)
SMALL = Pos(WAD * 5_001 // 10_000, WAD * 10_002 // 10, 0, 25 * 10**6)
SHORT = Pos(-10 * WAD, -19_000 * WAD, 0, 1_499_999_999)
WORDS = (1, 2, 3)
PAID_OUT = OTHER._replace(margin=OTHER.margin + 7)


def confined(insured: int = 70, borne: int = 30, fund: int = 40, vault: int = 900_000_000) -> None:
    """100 of bad debt against 30 of waiting shares and a fund that held 40."""
    others = [(2, OTHER, OTHER._replace(margin=vault))]
    conservation.i_12_confined(100, insured, borne, (fund, 0), (30, 0), 0, others)


def reached(left: int, now: Pos = LESS, total: int = 3_000, skew: int = -5 * WAD) -> None:
    """Claims (dollars) of 3,400 of cash come down to what is left of 2,000; the target is 70 %."""
    before, after = (total * WAD, left * WAD), (3_400 * WAD, 2_000 * WAD)
    terms = TERMS._replace(skew=skew)
    liquidation.i_35_reached(RICH, now, terms, before, after, WAD * 7 // 10)


def credited(paid: int, cash: int, index: int = -100 * WAD) -> None:
    """10 long are owed 1,000 dollars since the index fell by 100, or owe them."""
    funding.i_25_credited(ILL, index, U, paid, cash)


def priced(paid: int, shares: int) -> None:
    """A pool of 90,000 units less the virtual one and 99,000 shares is paid for so many shares."""
    nav = 90_000 - 1
    pool.i_36_priced((nav * U, (nav + paid) * U), (99_000, 99_000 + shares), U)


def adl(
    claims: tuple[int, int], was: Pos = RICH, now: Pos = LESS, cash: int = 1_400, goal: int = 0
) -> None:
    """From claims (dollars, before and after) of 3,400 of cash; it starts at 85 %."""
    before, after = (claims[0] * WAD, claims[1] * WAD), (3_400 * WAD, cash * WAD)
    liquidation.i_35_adl(was, now, TERMS, before, after, WAD * 85 // 100, goal)


def accepted(
    mark: int = 5,
    published: int = 20,
    before: int = 10,
    liquidating: bool = False,
    failing: bool = False,
) -> None:
    """A mark of 5, published at 20, accepted at 21."""
    oracle = None if failing else (5, 20)
    access.i_42_acceptance((4, mark), (12, published), (before, 21), oracle, 21, liquidating)


HOLDING = {
    "I-03": lambda: conservation.i_03_zero_sum({"alice": -5, "pool": 5}, PAID, [2], [2]),
    "I-04": lambda: conservation.i_04_nav(NAV - 1, CASH, 0, TWO, SPREAD, 0),
    "I-06": lambda: conservation.i_06_claims(SUMS, TWO, SPREAD),
    "I-07 caps": lambda: conservation.i_07_caps(100, 5, 100, 200, WAD, 5),
    "I-07 reserve": lambda: conservation.i_07_reserve(100, 100, 70, 200, WAD // 2, WAD * 7 // 10),
    "I-07 swept": lambda: conservation.i_07_swept((9, 9), (7, 7), (5, 2), (30, 27)),
    "I-07 backed": lambda: conservation.i_07_backed(10, 8, 2),
    "I-08": lambda: pool.i_08_exit([]),
    "I-08 providers": lambda: pool.i_08_providers([(0, 9, 0, 0, 9)], (0, 0)),
    "I-08 supply": lambda: pool.i_08_supply(1_020, 1_000, 10),
    "I-08 left": lambda: pool.i_08_left(20_000, 10**6 - 1, (99_000, 1_000), 0),
    "I-08 bankrupt": lambda: pool.i_08_bankrupt(7, 5, 1),
    "I-09": lambda: pool.i_09_extraction(100, 107, 7, 0),
    "I-09 conserved": lambda: pool.i_09_conserved(7, 7, 0),
    "I-10 received": lambda: isolation.i_10_received(2, OTHER, PAID_OUT, 7),
    "I-11": lambda: isolation.i_11_interference(STATE, {**STATE, 1: FLAT}, TERMS, TERMS, {1}),
    "I-12": confined,
    "I-13": lambda: isolation.i_13_markets(WORDS, WORDS),
    "I-14": lambda: isolation.i_14_health(WELL, WELL, TERMS),
    "I-14 ill before": lambda: isolation.i_14_health(ILL, ILL, TERMS),
    "I-14 margin": lambda: isolation.i_14_margin(OTHER, 0, TERMS, WAD),
    "I-15": lambda: margin.i_15_withdrawable(7, "ok", "Refused(15, 1, 2)"),
    "I-16": lambda: margin.i_16_flat(FLAT, False),
    "I-16 unpriced": lambda: margin.i_16_unpriced("ok"),
    "I-17": lambda: margin.i_17_round_trip(100, 90, 10, 0),
    "I-17 split": lambda: margin.i_17_split(100, 99, 2, 1),
    "I-18": lambda: margin.i_18_bounds(RICH, TERMS, 3_000 * 10**6, 0),
    "I-18 purses": lambda: margin.i_18_purses({"bob": 5}, {"bob": 5}, "alice"),
    "I-19": lambda: margin.i_19_entry(ILL, BOUGHT, TERMS, FILL),
    "I-20": lambda: margin.i_20_rounding(ILL, BOUGHT, TERMS, TERMS, WAD, COST),
    "I-21": lambda: margin.i_21_fee(WAD, TERMS, FILL, FEE),
    "I-21 parts": lambda: margin.i_21_parts(5, [3, 3], 0),
    "I-22": lambda: funding.i_22_zero_sum([ILL], 2_000 * WAD, (0, WAD), (0, 10 * WAD)),
    "I-23": lambda: funding.i_23_index((0, INDEX), (0, GROWN), *LIMITS),
    "I-23 clamp": lambda: funding.i_23_index(
        (0, 2_000 * WAD * DAY * 10**18 // RAY),
        (10**18, 10**18),
        SCALE,
        2_000 * WAD,
        DAY,
        SCALE,
        1,
        10**18,
    ),
    "I-23 at its end": lambda: funding.i_23_index((END - 5, END), (0, GROWN), *LIMITS),
    "I-23 pieces": lambda: funding.i_23_pieces((5, 7), (6, 7), 3, WAD, 60),
    "I-24": lambda: funding.i_24_inserted(WORDS, WORDS),
    "I-24 at once": lambda: funding.i_24_at_once(((5, 0), (5, 0)), (WORDS, WORDS)),
    "I-24 renamed": lambda: funding.i_24_renamed(WORDS, WORDS),
    "I-24 mirrored": lambda: funding.i_24_mirrored(5 * U, 5 * U, U),
    "I-25": lambda: funding.i_25_solvent(5, 5),
    "I-25 credited": lambda: credited(-1_000, 1_000),
    "I-25 paid in part": lambda: credited(1_000, 0, 100 * WAD),
    "I-25 starved": lambda: funding.i_25_starved(ILL, "ok 6"),
    "I-29": lambda: liquidation.i_29_minimal(ILL, NEAT, TERMS, 30 * 10**6),
    "I-29 an empty vault": lambda: liquidation.i_29_minimal(ILL, UNPAID, TERMS, 0),
    "I-29 deep under": lambda: liquidation.i_29_full(DEEP, TERMS),
    "I-29 too small for a part": lambda: liquidation.i_29_full(SMALL, TERMS),
    "I-31 healthy": lambda: liquidation.i_31_again("Refused(18, 5, 4)"),
    "I-31 flat": lambda: liquidation.i_31_again("Refused(4, 0, 1)"),
    "I-32": lambda: liquidation.i_32_waterfall(
        ILL._replace(margin=900 * 10**6), TERMS, 5, 100_000_005
    ),
    "I-32 solvent": lambda: liquidation.i_32_waterfall(ILL, TERMS, 5, 0),
    "I-32 kept back": lambda: liquidation.i_32_flat(
        1, FLAT._replace(basis=U, margin=1), True, U, 0
    ),
    "I-32 destroyed": lambda: liquidation.i_32_flat(
        1, FLAT._replace(basis=U, margin=0), True, U, 1
    ),
    "I-32 written off": lambda: liquidation.i_32_written_off(
        FLAT._replace(basis=U + 1, margin=1), U, 1
    ),
    "I-32 backed": lambda: liquidation.i_32_written_off(FLAT._replace(basis=U, margin=1), U, 0),
    "I-33": lambda: liquidation.i_33_gas("close", liquidation.GAS["close"], 0),
    "I-34": lambda: access.i_34_invalid("close", False, "PriceStale(1, 2, 3)"),
    "I-34 pool": lambda: access.i_34_pool(True, False, False),
    "I-35 bystanders": lambda: liquidation.i_35_bystanders((5, 7, 0), (5, 8, 0)),
    "I-34 top-up": lambda: access.i_34_invalid("add_margin", False, "ok"),
    "I-34 reading": lambda: access.i_34_reading("ok (1, 0, 5, 0)", "ok (1, 0, 5, 0)", ""),
    "I-34 setting": lambda: access.i_34_setting("PythOracle", "ok", "ok"),
    "I-35": lambda: adl((3_000, 1_000), goal=WAD * 7 // 10),
    "I-35 average": lambda: liquidation.i_35_fair(RICH, (-6 * WAD, -18_000 * WAD), TERMS),
    "I-35 reached": lambda: reached(1_400),
    "I-35 gone": lambda: reached(3_000, FLAT),
    "I-35 skew used up": lambda: reached(3_000, skew=-2 * WAD),
    "I-36 gift": lambda: pool.i_36_gift((5, 5), (7, 7)),
    "I-36 priced": lambda: priced(9_000, 10_000),
    "I-36 burned": lambda: priced(-9_000, -10_000),
    "I-36 bankrupt": lambda: pool.i_36_priced((-5 * U, 95 * U), (0, 100_000), U),
    "I-36": lambda: pool.i_36_share_price((100 * U, 100 * U), (50, 50), U),
    "I-36 a size unit": lambda: pool.i_36_share_price((5_000, 2_596), (0, 0), 1, 2_400),
    "I-37": lambda: pool.i_37_backed(5, 5, 7, 7, 0),
    "I-37 assets": lambda: pool.i_37_assets(3, 3 * U + 5, U),
    "I-38 minted": lambda: pool.i_38_minted(5, False),
    "I-38 minted into an empty market": lambda: pool.i_38_minted(0, True),
    "I-38 asked": lambda: pool.i_38_asked(2),
    "I-39": lambda: pool.i_39_waited(10, 11, True),
    "I-40": lambda: access.i_40_role("setParams", "a user", False, "AccessManagedUnauthorized(1)"),
    "I-41": lambda: access.i_41_vault(5, 5, False, "eve"),
    "I-42": accepted,
    "I-42 renewed": lambda: accepted(before=21, liquidating=True),
    "I-44": lambda: access.i_44_exits("closing", "ok"),
    "I-44 step": lambda: access.i_44_step(WELL, TERMS, TERMS),
    "I-45": lambda: access.i_45_shortfall("addMargin", "WrongAmountReceived(9, 10)"),
    "I-45 re-entry": lambda: access.i_45_reentry(True, False),
    "I-45 inside": lambda: access.i_45_inside("settle", "Locked()", "Locked"),
    "I-45 elsewhere": lambda: access.i_45_inside("settle", "Refused(2, 0, 1)", "!Locked"),
    "I-45 shown": lambda: access.i_45_inside("maxRedeem", "ok 0", "ok 0"),
    "I-45 others": lambda: access.i_45_others("an exit", {1: 5, 2: 6}, {1: 0, 2: 6}, 1),
    "I-49": lambda: pool.i_49_liveness("ok 5"),
}

PLANTED = {
    "I-03 a unit lost": lambda: conservation.i_03_zero_sum({"alice": -5, "pool": 4}, PAID, [], []),
    "I-03 another way": lambda: conservation.i_03_zero_sum({"bob": -5, "pool": 5}, PAID, [], []),
    "I-03 negative fee": lambda: conservation.i_03_zero_sum({}, [], [-1], [-1]),
    "I-03 another fee": lambda: conservation.i_03_zero_sum({}, [], [3], [2]),
    "I-04 above": lambda: conservation.i_04_nav(NAV + 10, CASH, 0, TWO, SPREAD, 0),
    "I-04 below": lambda: conservation.i_04_nav(NAV - 10, CASH, 0, TWO, SPREAD, 0),
    "I-04 tickets": lambda: conservation.i_04_nav(NAV, CASH, 1, TWO, SPREAD, 0),
    "I-06 above": lambda: conservation.i_06_claims((*SUMS[:2], SUMS[2] - 9, SUMS[3]), TWO, SPREAD),
    "I-06 below": lambda: conservation.i_06_claims((*SUMS[:2], SUMS[2] + 9, SUMS[3]), TWO, SPREAD),
    "I-07 open interest": lambda: conservation.i_07_caps(201, 5, 500, 200, WAD, 5),
    "I-07 utilisation": lambda: conservation.i_07_caps(101, 5, 100, 200, WAD, 5),
    "I-07 skew": lambda: conservation.i_07_caps(100, -6, 100, 200, WAD, 5),
    "I-07 cash": lambda: conservation.i_07_reserve(99, 100, 70, 200, WAD // 2, WAD * 7 // 10),
    "I-07 NAV": lambda: conservation.i_07_reserve(100, 99, 70, 200, WAD // 2, WAD * 7 // 10),
    "I-07 a sweep takes cash": lambda: conservation.i_07_swept((9, 8), (7, 7), (5, 2), (30, 27)),
    "I-07 a sweep moves NAV": lambda: conservation.i_07_swept((9, 9), (7, 6), (5, 2), (30, 27)),
    "I-07 a sweep pays more": lambda: conservation.i_07_swept((9, 9), (7, 7), (5, 2), (30, 26)),
    "I-07 a sweep forgets": lambda: conservation.i_07_swept((9, 9), (7, 7), (5, 2), (30, 28)),
    "I-07 not backed": lambda: conservation.i_07_backed(9, 8, 2),
    "I-08 stuck": lambda: pool.i_08_exit(["close: refused"]),
    "I-08 shares": lambda: pool.i_08_providers([(0, 0, 0, 0, 0), (1, 0, 0, 0, 0)], (0, 0)),
    "I-08 shares to claim": lambda: pool.i_08_providers([(0, 5, 5, 0, 0)], (0, 0)),
    "I-08 tokens to claim": lambda: pool.i_08_providers([(0, 0, 0, 1, 5)], (0, 0)),
    "I-08 a deposit waits": lambda: pool.i_08_providers([], (1, 0)),
    "I-08 a redemption waits": lambda: pool.i_08_providers([], (0, 1)),
    "I-08 supply": lambda: pool.i_08_supply(1_021, 1_000, 10),
    "I-08 left": lambda: pool.i_08_left(20_001, 10**6 - 1, (99_000, 1_000), 0),
    "I-08 all left": lambda: pool.i_08_left(10**6, 10**6, (99_000, 1_000), 100),
    "I-08 bankrupt": lambda: pool.i_08_bankrupt(8, 5, 1),
    "I-09": lambda: pool.i_09_extraction(100, 102, 0, 1),
    "I-09 more than others may lose": lambda: pool.i_09_extraction(100, 109, 7, 1),
    "I-09 from nowhere": lambda: pool.i_09_conserved(9, 7, 1),
    "I-09 to nobody": lambda: pool.i_09_conserved(7, 9, 1),
    "I-10 received less": lambda: isolation.i_10_received(2, OTHER, PAID_OUT, 8),
    "I-10 received more": lambda: isolation.i_10_received(2, OTHER, PAID_OUT, 6),
    "I-10 settled by a payment": lambda: isolation.i_10_received(
        2, OTHER, PAID_OUT._replace(basis=OTHER.basis + 1), 7
    ),
    "I-11 mark": lambda: isolation.i_11_interference(
        STATE, STATE, TERMS, TERMS._replace(mark=TERMS.mark + 1), set()
    ),
    "I-11 index": lambda: isolation.i_11_interference(
        STATE, STATE, TERMS, TERMS._replace(index=1), set()
    ),
    "I-11 equity": lambda: isolation.i_11_interference(
        STATE, {**STATE, 2: OTHER._replace(margin=1)}, TERMS, TERMS, {1}
    ),
    "I-12 insurance keeps": lambda: confined(insured=60, borne=40, fund=50),
    "I-12 says more": lambda: confined(insured=71, borne=29),
    "I-12 half paid": lambda: confined(borne=29),
    "I-12 a vault pays": lambda: confined(vault=900_000_000 - 1),
    "I-13": lambda: isolation.i_13_markets(WORDS, (1, 2, 4)),
    "I-13 more": lambda: isolation.i_13_markets(WORDS, (1, 2, 3, 4)),
    "I-14 made ill": lambda: isolation.i_14_health(WELL, ILL, TERMS),
    "I-14 under IM": lambda: isolation.i_14_margin(
        OTHER._replace(margin=300 * 10**6 - 1), 0, TERMS, WAD
    ),
    "I-14 locked": lambda: isolation.i_14_margin(OTHER, 600 * 10**6 + 1, TERMS, WAD),
    "I-15 refused": lambda: margin.i_15_withdrawable(7, "Refused(15, 1, 2)", "Refused(15, 1, 2)"),
    "I-15 one more": lambda: margin.i_15_withdrawable(7, "ok", "ok"),
    "I-16 owes": lambda: margin.i_16_flat(FLAT._replace(basis=1), False),
    "I-16 is owed": lambda: margin.i_16_flat(FLAT._replace(basis=-1), True),
    "I-16 price": lambda: margin.i_16_unpriced("PriceStale(1, 2, 3)"),
    "I-17 gain": lambda: margin.i_17_round_trip(100, 91, 10, 0),
    "I-17 better in parts": lambda: margin.i_17_split(100, 113, 2, 1),
    "I-17 far apart": lambda: margin.i_17_split(100, 87, 2, 1),
    "I-18 too much": lambda: margin.i_18_bounds(RICH, TERMS, 3_000 * 10**6 + 1, 0),
    "I-18 another pays": lambda: margin.i_18_purses({"bob": 5}, {"bob": 4}, "alice"),
    "I-19 above": lambda: margin.i_19_entry(
        ILL, BOUGHT._replace(basis=BOUGHT.basis + 2_000 * WAD), TERMS, FILL
    ),
    "I-19 below": lambda: margin.i_19_entry(
        ILL, BOUGHT._replace(basis=BOUGHT.basis - 2_000 * WAD), TERMS, FILL
    ),
    "I-20 too little": lambda: margin.i_20_rounding(ILL, BOUGHT, TERMS, TERMS, WAD, COST - 2 * U),
    "I-20 too much": lambda: margin.i_20_rounding(ILL, BOUGHT, TERMS, TERMS, WAD, COST + 5 * U),
    "I-21 fill": lambda: margin.i_21_fee(WAD, TERMS, FILL - 1, FEE),
    "I-21 fee": lambda: margin.i_21_fee(WAD, TERMS, FILL, FEE - 1),
    "I-21 parts": lambda: margin.i_21_parts(7, [3, 3], 0),
    "I-22 pool": lambda: funding.i_22_zero_sum([ILL], 2_000 * WAD, (0, WAD), (0, 10 * WAD + 9)),
    "I-22 sign": lambda: funding.i_22_zero_sum([ILL], 2_000 * WAD, (0, WAD), (0, -10 * WAD)),
    "I-23 index": lambda: funding.i_23_index((0, INDEX * 2), (0, GROWN), *LIMITS),
    "I-23 short of its end": lambda: funding.i_23_index(
        (END - INDEX, END - INDEX // 2), (0, GROWN), *LIMITS
    ),
    "I-23 past its end": lambda: funding.i_23_index((END - 5, END + INDEX), (0, GROWN), *LIMITS),
    "I-23 rate": lambda: funding.i_23_index((0, INDEX), (0, GROWN + 10**9), *LIMITS),
    "I-23 sign": lambda: funding.i_23_index((0, -INDEX), (0, -GROWN), *LIMITS),
    "I-23 cap": lambda: funding.i_23_index((0, 0), (0, 11), 0, WAD, 0, SCALE, 1, 10),
    "I-23 no time": lambda: funding.i_23_index((0, 1), (0, 0), 0, WAD, 0, SCALE, 1, 10),
    "I-23 pieces": lambda: funding.i_23_pieces((5, 7), (50, 7), 3, WAD, 60),
    "I-24": lambda: funding.i_24_inserted(WORDS, (1, 2, 4)),
    "I-24 another member": lambda: funding.i_24_at_once(((5, 0), (5, 6)), (WORDS, WORDS)),
    "I-24 another end": lambda: funding.i_24_at_once(((5, 0), (5, 0)), (WORDS, (1, 2, 4))),
    "I-24 renamed": lambda: funding.i_24_renamed(WORDS, (1, 2, 4)),
    "I-24 mirrored": lambda: funding.i_24_mirrored(5 * U, 11 * U, U),
    "I-25": lambda: funding.i_25_solvent(6, 5),
    "I-25 credited of no cash": lambda: credited(-1_000, 999),
    "I-25 credited too much": lambda: credited(-1_000 * 10**6 - 1, 10**12),
    "I-25 a payer is credited": lambda: credited(-1, 5, 100 * WAD),
    "I-25 a creditor pays": lambda: credited(1, 5),
    "I-25 starved and safe": lambda: funding.i_25_starved(WELL, "Refused(18, 5, 4)"),
    "I-29 too much": lambda: liquidation.i_29_minimal(
        ILL, NEAT._replace(margin=NEAT.margin + 3_000 * 10**6), TERMS, 30 * 10**6
    ),
    "I-29 kept from the keeper": lambda: liquidation.i_29_minimal(
        ILL, UNPAID._replace(margin=1, basis=UNPAID.basis + 10**12), TERMS, 0
    ),
    "I-29 too much of an empty vault": lambda: liquidation.i_29_minimal(
        ILL, UNPAID, TERMS, 30 * 10**6
    ),
    "I-29 all instead of a part": lambda: liquidation.i_29_full(ILL, TERMS),
    "I-29 all of a short": lambda: liquidation.i_29_full(SHORT, TERMS),
    "I-31": lambda: liquidation.i_31_again("ok"),
    "I-31 another reason": lambda: liquidation.i_31_again("Refused(8, 1, 2)"),
    "I-32 hidden": lambda: liquidation.i_32_waterfall(BROKE, TERMS, 5, 90_000_000),
    "I-32 invented": lambda: liquidation.i_32_waterfall(ILL, TERMS, 5, 10),
    "I-32 owes flat": lambda: liquidation.i_32_flat(1, FLAT._replace(basis=1), False, U, 0),
    "I-32 not backed": lambda: liquidation.i_32_flat(
        1, FLAT._replace(basis=1, margin=0), True, U, 0
    ),
    "I-32 more than was destroyed": lambda: liquidation.i_32_flat(
        1, FLAT._replace(basis=2 * U, margin=0), True, U, 1
    ),
    "I-32 not written off": lambda: liquidation.i_32_written_off(
        FLAT._replace(basis=2 * U, margin=1), U, 0
    ),
    "I-32 written off twice": lambda: liquidation.i_32_written_off(
        FLAT._replace(basis=2 * U, margin=1), U, 2
    ),
    "I-33": lambda: liquidation.i_33_gas("close", liquidation.GAS["close"] + 1, 0),
    "I-34 pool": lambda: access.i_34_pool(True, False, True),
    "I-35 a share taken": lambda: liquidation.i_35_bystanders((5, 7, 0), (5, 6, 9)),
    "I-34 priced": lambda: access.i_34_invalid("close", False, "ok"),
    "I-34 top-up": lambda: access.i_34_invalid("add_margin", False, "PriceStale(1, 2, 3)"),
    "I-34 reading": lambda: access.i_34_reading("ok (1, 0, 5, 0)", "PriceStale(5, 9, 3)", ""),
    "I-34 setting": lambda: access.i_34_setting("PythOracle", "ok", "BadSetting('lowest', 0, 1)"),
    "I-34 another setting": lambda: access.i_34_setting("PythOracle.lowest", "6", "5"),
    "I-35 too early": lambda: adl((2_000, 0)),
    "I-35 no winner": lambda: adl((3_000, 0), was=ILL, now=REST),
    "I-35 margin": lambda: adl((3_000, 0), now=LESS._replace(margin=0)),
    "I-35 grows": lambda: adl((3_000, 1_000), now=LESS._replace(size=-4 * WAD)),
    "I-35 factor rises": lambda: adl((3_000, 2_000)),
    "I-35 passes the target": lambda: adl((3_000, 900), goal=WAD * 7 // 10),
    "I-35 below average": lambda: liquidation.i_35_fair(RICH, (-6 * WAD, -18_000 * WAD - 1), TERMS),
    "I-35 not reached": lambda: reached(1_401),
    "I-35 a rest above 1": lambda: reached(1_400, total=3_400),
    "I-36 gift to NAV": lambda: pool.i_36_gift((5, 6), (7, 7)),
    "I-36 gift to the supply": lambda: pool.i_36_gift((5, 5), (7, 8)),
    "I-36 minted too much": lambda: priced(9_000, 10_001),
    "I-36 minted too little": lambda: priced(9_000, 9_900),
    "I-36 burned too much": lambda: priced(-9_000, -10_100),
    "I-36 burned too little": lambda: priced(-9_000, -9_999),
    "I-36 NAV": lambda: pool.i_36_share_price((100 * U, 97 * U), (50, 50), U),
    "I-36 a size unit": lambda: pool.i_36_share_price((5_000, 2_596), (0, 0), 1, 2_399),
    "I-36 supply": lambda: pool.i_36_share_price((100 * U, 100 * U), (5_000, 6_000), U),
    "I-37 tokens": lambda: pool.i_37_backed(5, 6, 7, 7, 0),
    "I-37 shares": lambda: pool.i_37_backed(5, 5, 7, 8, 0),
    "I-37 assets": lambda: pool.i_37_assets(4, 3 * U + 5, U),
    "I-38 no NAV": lambda: pool.i_38_minted(0, False),
    "I-38 nothing": lambda: pool.i_38_asked(1),
    "I-39": lambda: pool.i_39_waited(10, 10, True),
    "I-39 nothing due": lambda: pool.i_39_waited(0, 10, True),
    "I-40 let in": lambda: access.i_40_role("setParams", "a user", False, "ok"),
    "I-40 kept out": lambda: access.i_40_role(
        "setParams", "gov", True, "AccessManagedUnauthorized(1)"
    ),
    "I-41 taken": lambda: access.i_41_vault(5, 4, False, "eve"),
    "I-41 obeyed": lambda: access.i_41_vault(5, 5, True, "eve"),
    "I-42 another mark": lambda: accepted(mark=6),
    "I-42 failing": lambda: accepted(failing=True),
    "I-42 twice": lambda: accepted(before=21),
    "I-42 no acceptance": lambda: access.i_42_acceptance((4, 5), (1, 1), (1, 1), (5, 1), 9, False),
    "I-42 older": lambda: access.i_42_acceptance((4, 5), (12, 11), (10, 21), (5, 11), 21, False),
    "I-44 exits": lambda: access.i_44_exits("closing", "Refused(8, 1, 2)"),
    "I-44 step": lambda: access.i_44_step(WELL, TERMS, TERMS._replace(ramp=WAD + 10**14)),
    "I-45 taken": lambda: access.i_45_shortfall("addMargin", "ok"),
    "I-45 re-entered": lambda: access.i_45_reentry(True, True),
    "I-45 obeyed inside": lambda: access.i_45_inside("settle", "ok", "Locked"),
    "I-45 barred elsewhere": lambda: access.i_45_inside("settle", "Locked()", "!Locked"),
    "I-45 half shown": lambda: access.i_45_inside("maxRedeem", "ok 05", "ok 0"),
    "I-45 robbed": lambda: access.i_45_others("an exit", {1: 5, 2: 6}, {1: 0, 2: 5}, 1),
    "I-49": lambda: pool.i_49_liveness("Refused(16, 1, 2)"),
}

assert equity(BOUGHT, TERMS, TERMS.mark) == equity(ILL, TERMS, TERMS.mark) - COST
