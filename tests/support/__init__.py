"""What several tests share: references, cases, files."""
