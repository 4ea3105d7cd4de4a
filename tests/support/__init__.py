"""What several test files build with. A test file imports from here, and from no other test file."""
