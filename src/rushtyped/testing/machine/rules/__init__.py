"""The rules of the machine, each module's on top of those of the module before it."""
