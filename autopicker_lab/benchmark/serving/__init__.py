"""The benchmark of gateways: ours and its peers, each on one core before the same upstream, in one run."""

from autopicker_lab.benchmark.serving.compare import GatewayFigures, compare_gateways, soak, to_frame

__all__ = ["GatewayFigures", "compare_gateways", "soak", "to_frame"]
