"""What ``dockyard apply`` is asked: its flags, the hosts they leave, what they only list.

Nothing here touches a host; ``toolkit.cli.provision`` runs what this folder has settled.
"""
