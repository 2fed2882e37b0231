"""``latentomics check``: read every file of a cohort and say what was found, before training.

In: a manifest or a folder. Out: lines, or plain data; exit 3 when cases were rejected.
"""

from __future__ import annotations

from latentomics.cli.command import command
from latentomics.cli.options import (
    Channels,
    Labels,
    MaskLabel,
    Site,
    Source,
    Workers,
    channels_of,
)
from latentomics.cli.talk import Talk


@command("latentomics check cohort.csv --label malignant --site site")
def check(
    talk: Talk,
    source: Source,
    label: Labels = None,
    site: Site = None,
    channels: Channels = None,
    mask_label: MaskLabel = None,
    workers: Workers = None,
) -> int:
    """Read every file and say what was found: faults, duplicates, balance, size and site.

    It also says whether a label can be predicted from the site or the size of the lesion alone.
    """
    from latentomics import flow

    found = flow.check(
        source,
        labels=tuple(label or ()),
        site=site,
        channels=channels_of(channels),
        mask_label=mask_label,
        workers=workers,
        on_event=talk.on_event,
    )
    talk.result("\n".join(found.describe()), found.plain())
    return 3 if found.rejections else 0
