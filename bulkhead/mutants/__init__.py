"""Mutants of the contracts: small wrong changes that the fuzzer's laws must notice.

All mutants are compiled together, each behind a switch that is set when the code is linked: one
compilation serves hundreds of mutants. See docs/mutation.md.
"""
