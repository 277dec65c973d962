"""The status page, for people: what the socket tells, as HTML.

Law: a page is made of the socket's own answers and of what is counted, and of nothing else. All that is shown is
escaped, because receivers, forges and whoever posts events have written it.
"""

from sidecar.status.assets import ASSETS, Asset
from sidecar.status.charts import Chart, chart
from sidecar.status.render import render, warm

__all__ = ["ASSETS", "Asset", "Chart", "chart", "render", "warm"]
