"""Plans as people look at them: dates, findings, and every field explained."""
