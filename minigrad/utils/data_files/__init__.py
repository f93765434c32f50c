"""Files of data: where they are looked for, how they are read and downloaded."""
