"""`ape run deploy`: a deployment, as `bulkhead deploy` does it."""

from bulkhead.commands import for_ape
from bulkhead.deploy.command import deploy

cli = for_ape(deploy)
