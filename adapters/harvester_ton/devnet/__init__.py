"""The local TON: a chain in memory with a real TVM, served to unmodified clients over ADNL.

`LocalTon` (module `local`) is the whole of it; `chain_command` (module `commands`) is the command line.
"""
