"""Asks AWS and a local server the same questions and tells where the answers differ.

`__main__` is the command, `matrix` the questions, `target` who is asked, `runner` and
`cleanup` the asking, `normal` what hides names and ids, `trace` the file of answers,
`compare` and `report` the differences. docs/PARITY.md is for its users.
"""
