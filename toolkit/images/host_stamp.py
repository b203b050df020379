"""What the ``host`` image is made of, and a cheap answer to whether any of it changed."""

import os

# Names below /etc; nothing here holds a secret, and only what everyone may read is taken.
FILES = (
    "passwd",
    "group",
    "nsswitch.conf",
    "host.conf",
    "gai.conf",
    "protocols",
    "services",
    "shells",
    "os-release",
    "debian_version",
    "redhat-release",
    "localtime",
    "timezone",
    "locale.conf",
    "ld.so.cache",
    "ld.so.conf",
    "ssl/openssl.cnf",
    "ssl/certs/ca-certificates.crt",
    "pki/tls/openssl.cnf",
    "pki/tls/cert.pem",
    "pki/tls/certs/ca-bundle.crt",
    "pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
)
FILE_DIRECTORIES = ("ld.so.conf.d",)
LINK_DIRECTORIES = ("alternatives", "ssl/certs", "crypto-policies/back-ends")
TOP = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")  # beside /usr, or links into it
_RECIPE = 1  # of toolkit.images.host; a new one makes the image anew


def host_stamp(root: str = "/") -> tuple[int, ...]:
    """Numbers that change with the files and directories that the image is made from."""
    numbers = [_RECIPE]
    names = [f"etc/{name}" for name in (*FILES, *FILE_DIRECTORIES, *LINK_DIRECTORIES)]
    for name in (*names, *TOP):
        try:
            found = os.lstat(root + name)
        except (FileNotFoundError, NotADirectoryError):
            numbers.append(0)
        else:
            numbers += (found.st_ino, found.st_size, found.st_mtime_ns)
    return tuple(numbers)
