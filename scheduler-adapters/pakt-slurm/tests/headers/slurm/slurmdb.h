/* What pakt-slurm uses of <slurm/slurmdb.h>; slurm.h beside this says how it is meant. */
#pragma once
#include <slurm/slurm.h>

#define JOBCOND_FLAG_DUP SLURM_BIT(0)
#define JOBCOND_FLAG_NO_STEP SLURM_BIT(1)
#define JOBCOND_FLAG_NO_TRUNC SLURM_BIT(2)
#define JOBCOND_FLAG_NO_DEFAULT_USAGE SLURM_BIT(7)

typedef struct {
	LIST acct_list;
	LIST cluster_list;
	uint32_t db_flags;
	uint32_t flags;
	LIST step_list;
	time_t usage_end, usage_start;
	LIST userid_list;
} slurmdb_job_cond_t;

typedef struct {
	char *account, *array_task_str, *cluster, *derived_es, *jobname, *partition, *submit_line, *tres_alloc_str, *tres_req_str;
	char *user, *work_dir;
	uint32_t alloc_nodes, array_job_id, array_task_id, elapsed, exitcode, het_job_id, het_job_offset, jobid, qosid, requid;
	uint32_t state, state_reason_prev, suspended, timelimit, uid;
	time_t end, start, submit;
#if RELEASE(24, 11)
	uint16_t restart_cnt;
#endif
#if RELEASE(26, 5)
	char *exclusive, *oversubscribe;
	uint64_t sluid;
#endif
} slurmdb_job_rec_t;

typedef struct {
	LIST acct_list;
	LIST cluster_list;
	LIST user_list;
} slurmdb_assoc_cond_t;

typedef struct slurmdb_assoc_rec {
	char *acct, *grp_tres_mins, *partition, *user;
	uint32_t def_qos_id, max_submit_jobs, max_wall_pj;
	LIST qos_list;
} slurmdb_assoc_rec_t;

typedef struct {
	uint32_t id;
	char *grp_tres_mins, *max_tres_pu, *name;
	uint32_t max_jobs_pu, max_submit_jobs_pu, max_wall_pj;
} slurmdb_qos_rec_t;

#define QOS_COND_FLAG_WITH_DELETED SLURM_BIT(0)

typedef struct {
	LIST id_list;
#if RELEASE(23, 11)
	uint16_t flags;
#else
	uint16_t with_deleted;
#endif
} slurmdb_qos_cond_t;

typedef struct {
	uint32_t id;
#if RELEASE(26, 5)
	char modifier;
#endif
	char *name, *type;
} slurmdb_tres_rec_t;

typedef struct {
	uint64_t count;
	LIST id_list;
} slurmdb_tres_cond_t;

extern void *slurmdb_connection_get(uint16_t *persist_conn_flags);
extern int slurmdb_connection_close(void **db_conn);
extern LIST slurmdb_jobs_get(void *db_conn, slurmdb_job_cond_t *job_cond);
extern LIST slurmdb_associations_get(void *db_conn, slurmdb_assoc_cond_t *assoc_cond);
extern LIST slurmdb_qos_get(void *db_conn, slurmdb_qos_cond_t *qos_cond);
extern LIST slurmdb_tres_get(void *db_conn, slurmdb_tres_cond_t *tres_cond);
