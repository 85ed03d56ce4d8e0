//! Faults around the program.
