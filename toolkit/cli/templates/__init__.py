"""Go templates, as far as ``--format`` needs them: Docker's users write them every day.

A text is scanned into pieces, parsed into nodes and run over plain data (mappings, lists, texts,
numbers). The room knows nothing of containers, and a template can call only what ``functions``
holds and what the data offers.
"""
