"""Reports that are one HTML file: charts as inline SVG, nothing fetched, readable for years."""

from bulkhead.report.page import Page, facts, table
from bulkhead.report.svg import Chart, Line, Mark, draw

__all__ = ["Chart", "Line", "Mark", "Page", "draw", "facts", "table"]
