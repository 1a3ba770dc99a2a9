"""What a study may want of its picture VAEs: the section ``images`` of a configuration."""

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Figure = Literal[
    "bound",
    "likelihood",
    "reconstructions",
    "samples",
    "manifold",
    "interpolation",
    "traversals",
    "latent_map",
    "pca",
    "anomaly",
    "probe",
]

Count = Annotated[int, Field(ge=1)]


class ImageStudy(BaseModel):
    """Which uses of a study's picture VAEs are measured and drawn.

    Attributes:
        figures: the chosen ones.
        seed: whose pictures are shown; numbers are of all seeds.
        pictures: shown per row.
        importance_samples: K of L_K.
        annealed_images: test pictures that annealed importance sampling looks at too; 0 for none.
        annealed_temperatures: its steps.
        labels: per class, for the linear probe.
        map: how latents become a plane.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    figures: list[Figure] = list(get_args(Figure))
    seed: Annotated[int, Field(ge=0)] = 0
    pictures: Annotated[int, Field(ge=2, le=20)] = 10
    importance_samples: Count = 500
    annealed_images: Annotated[int, Field(ge=0)] = 0
    annealed_temperatures: Count = 300
    labels: list[Count] = [1, 5, 20]
    map: Literal["pca", "tsne"] = "pca"
