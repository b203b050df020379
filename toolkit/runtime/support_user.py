"""What is refused of a specification's user namespace before anything is made."""

from __future__ import annotations

from toolkit.core.errors import InvalidInputError
from toolkit.runtime import idmaps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.oci.spec import Spec


def check_user(spec: Spec) -> None:
    """``InvalidInputError`` for maps that fit neither the kernel nor the process.

    Those of a namespace that is joined are not looked at: it has its own.
    """
    linux = spec.linux
    listed = next((item for item in linux.namespaces if item.type == "user"), None)
    if listed is None:
        raise InvalidInputError(
            "linux.uidMappings: there is no user namespace to map ids in",
            hint="list the namespace 'user', or leave the mappings out",
        )
    if listed.path:
        return
    for name, maps in (("uidMappings", linux.uid_mappings), ("gidMappings", linux.gid_mappings)):
        if not maps:
            raise InvalidInputError(
                f"linux.{name}: a new user namespace needs them",
                hint="without a mapping nobody in it could be anybody",
            )
        idmaps.check(maps, f"linux.{name}")
    if spec.process is None:
        return
    user = spec.process.user
    asked = [("uid", linux.uid_mappings, user.uid), ("gid", linux.gid_mappings, user.gid)]
    asked += [
        (f"additionalGids[{index}]", linux.gid_mappings, gid)
        for index, gid in enumerate(user.additional_gids)
    ]
    for name, maps, value in asked:
        if idmaps.to_host(maps, value) is None:
            raise InvalidInputError(
                f"process.user.{name}: {value} is not mapped in the user namespace",
                hint="choose an id of a mapping, or map one more",
            )
