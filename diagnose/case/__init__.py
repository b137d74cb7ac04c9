"""A reproduction as data: a case file states claims, each is measured and judged, and a report shows the evidence."""
