/* Slurm's error numbers: pakt-slurm takes the few that it knows by their numbers, so that this is enough. */
#define SLURM_SUCCESS 0
#define SLURM_ERROR -1
