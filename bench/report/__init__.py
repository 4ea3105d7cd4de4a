"""What people see of results. Every form works on records alone, wherever they were measured."""
