"""The shell door: ``latentomics COMMAND``. It reads options, calls ``flow`` and prints; no more.

In: the command line. Out: results on stdout (text, or one JSON document with ``--json``),
progress and remarks on stderr, and the exit code that every command promises. Heavy rooms are
imported inside the commands, so that ``latentomics --help`` stays quick.
"""
