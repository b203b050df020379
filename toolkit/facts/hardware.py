"""Memory and processors, from ``/proc``: proc_meminfo(5), proc_cpuinfo(5)."""

from typing import Any

from toolkit.facts.machine import Machine, text


def memory(machine: Machine) -> dict[str, Any]:
    """Ansible's facts of memory, in MiB; empty where ``/proc`` is not there."""
    kib = meminfo(text(machine, "/proc/meminfo"))
    if not kib:
        return {}
    mib = {name: value // 1024 for name, value in kib.items()}
    total, free = mib.get("MemTotal", 0), mib.get("MemFree", 0)
    swap, swap_free = mib.get("SwapTotal", 0), mib.get("SwapFree", 0)
    idle = free + mib.get("Cached", 0) + mib.get("Buffers", 0)
    return {
        "ansible_memtotal_mb": total,
        "ansible_memfree_mb": free,
        "ansible_swaptotal_mb": swap,
        "ansible_swapfree_mb": swap_free,
        "ansible_memory_mb": {
            "real": {"total": total, "used": total - free, "free": free},
            "nocache": {"free": idle, "used": total - idle},
            "swap": {
                "total": swap,
                "free": swap_free,
                "used": swap - swap_free,
                "cached": mib.get("SwapCached", 0),
            },
        },
    }


def meminfo(content: str) -> dict[str, int]:
    """Kibibytes by name."""
    found = {}
    for line in content.splitlines():
        name, colon, value = line.partition(":")
        if colon and value.split() and value.split()[0].isdigit():
            found[name] = int(value.split()[0])
    return found


def processors(machine: Machine) -> dict[str, Any]:
    """Ansible's facts of processors.

    ``count`` is of sockets where the kernel tells them (x86), else of processors.
    """
    blocks = [_fields(block) for block in text(machine, "/proc/cpuinfo").split("\n\n")]
    blocks = [block for block in blocks if "processor" in block]
    if not blocks:
        return {}
    first = blocks[0]
    cores = _number(first, "cpu cores", 1)
    threads = max(1, _number(first, "siblings", cores) // cores)
    sockets = len({block["physical id"] for block in blocks if "physical id" in block})
    count = sockets or len(blocks)
    return {
        "ansible_processor": [word for block in blocks for word in _described(block)],
        "ansible_processor_count": count,
        "ansible_processor_cores": cores,
        "ansible_processor_threads_per_core": threads,
        "ansible_processor_vcpus": max(count * cores * threads, len(blocks)),
        "ansible_processor_nproc": _allowed(text(machine, "/proc/self/status")) or len(blocks),
    }


def _described(block: dict[str, str]) -> list[str]:
    names = ("processor", "vendor_id", "model name", "Processor")
    return [block[name] for name in names if name in block]


def _fields(block: str) -> dict[str, str]:
    lines = (line.partition(":") for line in block.splitlines())
    return {name.strip(): value.strip() for name, colon, value in lines if colon}


def _number(block: dict[str, str], name: str, default: int) -> int:
    value = block.get(name, "")
    return int(value) if value.isdigit() and int(value) else default


def _allowed(status: str) -> int:
    """How many processors this process may run on: ``Cpus_allowed:`` is a mask in hex."""
    for line in status.splitlines():
        if line.startswith("Cpus_allowed:"):
            return int(line.partition(":")[2].strip().replace(",", ""), 16).bit_count()
    return 0
