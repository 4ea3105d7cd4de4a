"""What a person sees of results: each form works on records alone, wherever they were measured."""
