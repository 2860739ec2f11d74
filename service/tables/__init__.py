"""Tables of any length: bytes in, rows found by column name and checked, predicted, bytes out.

Readers and writers hold no more than a piece of the table and know no HTTP: the service feeds them what
arrives from the network, the command `score` what it reads from a file.
"""
