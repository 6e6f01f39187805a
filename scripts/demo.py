"""`ape run demo`: the demo, as `bulkhead demo` does it."""

from bulkhead.commands import for_ape
from bulkhead.demo.command import demo

cli = for_ape(demo)
