/*
 * What pakt-slurm uses of <slurm/slurm.h>, as releases from 22.05 to 26.05 declare it, written down for tests/releases.rs: names,
 * types and members only, and of the members those that pakt-slurm reads or sets and those that changed. Structures of this file have
 * nobody's real layout, so that nothing can be run with it.
 *
 * Read were the headers of 22.05.8, 23.02.1, a development version behind 24.11, 25.11 and 26.05, and of 24.11 to 26.05 what others
 * have written of slurmdb.h. What changed between two of them is put to the later one.
 *
 * SLURM_VERSION_NUMBER says which release is played; PLAYS_SUSE that its typedef of lists has openSUSE's name.
 */
#pragma once
#include <slurm/slurm_errno.h>
#include <slurm/slurm_version.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define RELEASE(year, month) (SLURM_VERSION_NUMBER >= ((year) << 16) + ((month) << 8))
#define SLURM_BIT(offset) ((uint64_t) 1 << offset)

#define INFINITE (0xffffffff)
#define NO_VAL (0xfffffffe)
#define NO_VAL16 (0xfffe)
#define NO_VAL64 (0xfffffffffffffffe)
#define MEM_PER_CPU 0x8000000000000000
#define SHARED_FORCE 0x8000

/* Lists: a typedef of a pointer at first, a pointer to a typedef since 23.02. */
#if RELEASE(23, 2)
typedef struct xlist list_t;
typedef struct listIterator list_itr_t;
#define LIST list_t *
#define ITERATOR list_itr_t *
#elif defined(PLAYS_SUSE)
typedef struct xlist *SlurmList;
typedef struct listIterator *SlurmListIterator;
#define LIST SlurmList
#define ITERATOR SlurmListIterator
#else
typedef struct xlist *List;
typedef struct listIterator *ListIterator;
#define LIST List
#define ITERATOR ListIterator
#endif
typedef void (*ListDelF)(void *x);
extern void slurm_list_append(LIST l, void *x);
extern LIST slurm_list_create(ListDelF f);
extern void slurm_list_destroy(LIST l);
extern ITERATOR slurm_list_iterator_create(LIST l);
extern void slurm_list_iterator_destroy(ITERATOR i);
extern void *slurm_list_next(ITERATOR i);

enum job_states {
	JOB_PENDING,
	JOB_RUNNING,
	JOB_SUSPENDED,
	JOB_COMPLETE,
	JOB_CANCELLED,
	JOB_FAILED,
	JOB_TIMEOUT,
	JOB_NODE_FAIL,
	JOB_PREEMPTED,
	JOB_BOOT_FAIL,
	JOB_DEADLINE,
	JOB_OOM,
	JOB_END
};
#define JOB_STATE_BASE 0x000000ff
#define JOB_CONFIGURING SLURM_BIT(14)
#define JOB_COMPLETING SLURM_BIT(15)
#define KILL_JOB_BATCH SLURM_BIT(0)
#define KILL_INV_DEP SLURM_BIT(0)
#define NO_KILL_INV_DEP SLURM_BIT(1)

#define PARTITION_SUBMIT 0x01
#define PARTITION_SCHED 0x02
#define PARTITION_DOWN (PARTITION_SUBMIT)
#define PARTITION_UP (PARTITION_SUBMIT | PARTITION_SCHED)
#define PARTITION_DRAIN (PARTITION_SCHED)
#define PARTITION_INACTIVE 0x00
#if RELEASE(24, 11)
#define PART_FLAG_DEFAULT SLURM_BIT(0)
#else
#define PART_FLAG_DEFAULT 0x0001
#endif

/* A step's id has had more members since 25.05, and stands in place of a job's number in more and more places. */
typedef struct slurm_step_id_msg {
#if RELEASE(25, 5)
	uint64_t sluid;
#endif
	uint32_t job_id;
	uint32_t step_het_comp;
	uint32_t step_id;
} slurm_step_id_t;

typedef struct {
#if RELEASE(25, 11)
	int64_t *array_bitmap;
#endif
	uint32_t array_task_id;
	uint32_t het_job_offset;
	slurm_step_id_t step_id;
} slurm_selected_step_t;

typedef struct job_descriptor {
	char *account, *alloc_node, *array_inx, *comment, *dependency, *exc_nodes, *features, *licenses, *name, *partition, *qos;
	char *req_nodes, *reservation, *script, *submit_line, *tres_per_job, *tres_per_node, *work_dir;
	char *std_err, *std_in, *std_out;
	char **argv, **environment;
	uint32_t alloc_sid, argc, env_size, group_id, user_id;
	uint64_t bitflags, pn_min_memory;
	uint32_t num_tasks, priority, time_limit, min_cpus, min_nodes, max_nodes;
	uint8_t open_mode;
	uint16_t requeue, shared, warn_flags, warn_signal, warn_time, cpus_per_task, ntasks_per_node;
#if RELEASE(26, 5)
	slurm_step_id_t step_id;
	uint16_t mem_update_delay;
#else
	uint32_t job_id;
#endif
} job_desc_msg_t;

typedef struct job_info {
	char *account, *array_task_str, *cluster, *comment, *name, *partition, *qos, *state_desc, *std_out, *tres_alloc_str;
	char *tres_req_str, *user_name, *work_dir;
	uint32_t array_job_id, array_task_id, het_job_id, het_job_offset, job_state, num_nodes, time_limit, user_id;
	uint16_t batch_flag;
	time_t end_time, pre_sus_time, start_time, submit_time, suspend_time;
#if RELEASE(24, 5)
	uint32_t state_reason;
#else
	uint16_t state_reason;
#endif
#if RELEASE(25, 11)
	slurm_step_id_t step_id;
#endif
	uint32_t job_id;
} slurm_job_info_t;

typedef struct job_info_msg {
	time_t last_backfill, last_update;
	uint32_t record_count;
	slurm_job_info_t *job_array;
} job_info_msg_t;

typedef struct partition_info {
	char *allow_accounts, *name, *qos_char, *tres_fmt_str;
	uint32_t default_time, max_nodes, max_time, total_nodes;
	uint16_t max_share, state_up;
#if RELEASE(24, 11)
	uint32_t flags;
#else
	uint16_t flags;
#endif
} partition_info_t;

typedef struct partition_info_msg {
	time_t last_update;
	uint32_t record_count;
	partition_info_t *partition_array;
} partition_info_msg_t;

typedef struct {
	time_t last_update;
	char *cli_filter_plugins, *cluster_name, *plugstack, *slurm_conf;
} slurm_conf_t;

typedef struct submit_response_msg {
#if RELEASE(26, 5)
	slurm_step_id_t step_id;
#else
	uint32_t job_id;
	uint32_t step_id;
#endif
	uint32_t error_code;
	char *job_submit_user_msg;
} submit_response_msg_t;

extern void slurm_init(const char *conf);
extern long slurm_api_version(void);
extern char *slurm_strerror(int errnum);
extern void slurm_init_job_desc_msg(job_desc_msg_t *job_desc_msg);
extern int slurm_submit_batch_job(job_desc_msg_t *job_desc_msg, submit_response_msg_t **slurm_alloc_msg);
extern void slurm_free_submit_response_response_msg(submit_response_msg_t *msg);
extern int slurm_kill_job2(const char *job_id, uint16_t signal, uint16_t flags, const char *sibling);
extern int slurm_load_ctl_conf(time_t update_time, slurm_conf_t **slurm_conf_ptr);
#if RELEASE(26, 5)
extern void slurm_free_conf(slurm_conf_t *slurm_conf_ptr);
extern int slurm_load_job(job_info_msg_t **resp, slurm_step_id_t step_id, uint16_t show_flags);
#else
extern void slurm_free_ctl_conf(slurm_conf_t *slurm_ctl_conf_ptr);
extern int slurm_load_job(job_info_msg_t **resp, uint32_t job_id, uint16_t show_flags);
#endif
extern int slurm_load_job_user(job_info_msg_t **job_info_msg_pptr, uint32_t user_id, uint16_t show_flags);
extern int slurm_load_jobs(time_t update_time, job_info_msg_t **job_info_msg_pptr, uint16_t show_flags);
extern void slurm_free_job_info_msg(job_info_msg_t *job_buffer_ptr);
extern int slurm_load_partitions(time_t update_time, partition_info_msg_t **part_buffer_ptr, uint16_t show_flags);
extern void slurm_free_partition_info_msg(partition_info_msg_t *part_info_ptr);
