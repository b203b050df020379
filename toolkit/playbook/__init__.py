"""Playbooks: Ansible's YAML in, checked before anything is touched; plays run beside the kernel.

Two halves meet here. On the controller ``load`` reads and checks files and ``compile_play`` turns
a play into data and the files it needs. On a host ``run_play`` renders, decides, applies and keeps
the journal. The data between them is JSON. What a task does is ``toolkit.tasks``' business. This
room never prints, and reaches the machine only through the ``Host`` that it is given.
"""
