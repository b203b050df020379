"""Prove that containers are isolated: gather once, then judge on the controller.

A probe runs inside one container (``probe``) and one on the host (``hostprobe``); each answers
with one JSON document. ``checks/`` holds the assertions: a function takes documents and a runtime
profile and returns a finding. Expected values are data (``profiles/<runtime>.toml``).

Sits on the controller's side. It knows a host as a ``Link`` and nothing else: never fabric, never
an inventory, never how the embedded runtime works inside. It does not print; ``cli`` does.
"""
