"""Registries: the OCI distribution specification 1.1, spoken as Docker speaks it.

``pull`` and ``push`` are the ways in; ``Registries`` says where a registry and its mirrors are and
how far they are trusted, ``Credentials`` what to tell them. Only here is urllib3 imported. Nothing
that a registry says is believed: digests, sizes and redirects are checked, each answer is
bounded, and a credential goes to no host but the one that it is for.

Knows nothing of the environment or of files below a home directory: whoever calls hands them down.
"""
