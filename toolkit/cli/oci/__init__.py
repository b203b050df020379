"""The command line of an OCI runtime, as runc, crun and their callers share it.

It starts faster than anything else here: no click, no dataclasses, and what one command alone
needs is imported by that command. It knows containers by their bundles and state directories only;
images, names and logs are its callers' business.
"""
