"""Dead letters as an operator has them: found in their table, sent again, removed."""
