"""The images of the embedded engine: pulled by skopeo, kept in containers/storage, found without asking either."""

from aiop.engines.oci.images.image import Image
from aiop.engines.oci.images.store import ImageStore
from aiop.model.images import ImageConfig

__all__ = ["Image", "ImageConfig", "ImageStore"]
