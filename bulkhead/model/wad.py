"""Integer arithmetic with the rounding in the name; `ln` and `exp` bit for bit as Solady's."""

from __future__ import annotations

from math import isqrt

WAD = 10**18
RAY = 10**27
YEAR = 31_536_000


def ceil_div(a: int, b: int) -> int:
    """a / b toward +infinity. (`//` is the floor.)"""
    return -(-a // b)


def trunc_div(a: int, b: int) -> int:
    """a / b toward zero, as the EVM's signed division."""
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def sqrt_up(x: int) -> int:
    """The least y with y * y >= x."""
    root = isqrt(x)
    return root if root * root == x else root + 1


def clamp(x: int, low: int, high: int) -> int:
    """The nearest value to x between low and high."""
    return max(low, min(x, high))


def ln_wad(x: int) -> int:
    """Natural logarithm of a Wad > 0, as a Wad, rounded as Solady's `lnWad`."""
    if not 0 < x < 1 << 255:
        raise ValueError(f"ln of {x}")
    shift = 256 - x.bit_length()
    x = (x << shift) >> 159  # in [1, 2) * 2^96
    p = ((43456485725739037958740375743393 + _horner_top(x)) * x >> 96) - (
        11111509109440967052023855526967
    )
    p = (p * x >> 96) - 45023709667254063763336534515857
    p = (p * x >> 96) - 14706773417378608786704636184526
    p = p * x - (795164235651350426258249787498 << 96)
    q = 5573035233440673466300451813936 + x
    for coefficient in (
        71694874799317883764090561454958,
        283447036172924575727196451306956,
        401686690394027663651624208769553,
        204048457590392012362485061816622,
        31853899698501571402653359427138,
        909429971244387300277376558375,
    ):
        q = coefficient + (x * q >> 96)
    r = 1677202110996718588342820967067443963516166 * trunc_div(p, q)
    r += 16597577552685614221487285958193947469193820559219878177908093499208371 * (159 - shift)
    r += 600920179829731861736702779321621459595472258049074101567377883020018308
    return r >> 174


def _horner_top(x: int) -> int:
    inner = (3273285459638523848632254066296 + x) * x >> 96
    return (24828157081833163892658089445524 + inner) * x >> 96


_LN2_96 = 54916777467707473351141471128


def exp_wad(x: int) -> int:
    """e to a Wad, as a Wad, rounded as Solady's `expWad`."""
    if x <= -41446531673892822313:
        return 0
    if x >= 135305999368893231589:
        raise OverflowError(f"exp of {x}")
    x = trunc_div(x << 78, 5**18)
    k = (trunc_div(x << 96, _LN2_96) + (1 << 95)) >> 96
    x -= k * _LN2_96
    y = x + 1346386616545796478920950773328
    y = (y * x >> 96) + 57155421227552351082224309758442
    p = y + x - 94201549194550492254356042504812
    p = (p * y >> 96) + 28719021644029726153956944680412240
    p = p * x + (4385272521454847904659076985693276 << 96)
    q = x - 2855989394907223263936484059900
    for coefficient in (
        50020603652535783019961831881945,
        -533845033583426703283633433725380,
        3604857256930695427073651918091429,
        -14423608567350463180887372962807573,
        26449188498355588339934803723976023,
    ):
        q = (q * x >> 96) + coefficient
    r = trunc_div(p, q)
    return r * 3822833074963236453042738258902158003155416615667 >> (195 - k)
