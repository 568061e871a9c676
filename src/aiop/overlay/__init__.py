"""What overlayfs does with stacked directories, read and written without mounting anything.

The format is the kernel's (Documentation/filesystems/overlayfs.rst): a layer holds what it adds or changes, a character
device 0:0 for each name that it removes, and an extended attribute on a directory that hides the ones below it.
A *settled* layer has no such attribute, nothing that equals what lies below, and only files, directories and links.
"""

from aiop.overlay.carrying import pack_directory, unpack_directory
from aiop.overlay.comparing import attributes
from aiop.overlay.copying import is_taken_back, renew, shown, take_back
from aiop.overlay.marks import is_opaque, is_whiteout, make_opaque, make_whiteout
from aiop.overlay.packing import pack
from aiop.overlay.paths import Escape, find
from aiop.overlay.settling import settle
from aiop.overlay.squashing import copy_status, holes, link_or_copy, phantoms, squash
from aiop.overlay.stack import Node, Stack
from aiop.overlay.unpacking import unpack_changes

__all__ = [
    "Escape",
    "Node",
    "Stack",
    "attributes",
    "copy_status",
    "find",
    "holes",
    "is_opaque",
    "is_taken_back",
    "is_whiteout",
    "link_or_copy",
    "make_opaque",
    "make_whiteout",
    "pack",
    "pack_directory",
    "phantoms",
    "renew",
    "settle",
    "shown",
    "squash",
    "take_back",
    "unpack_changes",
    "unpack_directory",
]
