-- Finished jobs of the lab's user in the spring and summer of 2026, for `ci/bench slurmdbd`: $PAKT_JOBS of $PAKT_PERSON.
INSERT INTO jupiter_job_table
    (mod_time, account, cpus_req, job_name, id_assoc, id_job, id_resv, id_wckey, id_user, id_group, het_job_id,
     het_job_offset, state_reason_prev, mem_req, nodelist, nodes_alloc, `partition`, priority, state, timelimit, time_submit,
     time_eligible, time_start, time_end, work_dir, submit_line, tres_alloc, tres_req, id_qos)
SELECT 1788000000, 'atlas', 288, 'pakt-bench',
       (SELECT id_assoc FROM jupiter_assoc_table WHERE user = '$PAKT_PERSON' AND acct = 'atlas' AND deleted = 0),
       20000000 + seq, 0, 0, $PAKT_NUMBER, $PAKT_NUMBER, 0, 4294967294, 0, 0, 'n1', 1, 'booster', 1, 3, 60,
       1772400000 + seq * 12960000 DIV $PAKT_JOBS, 1772400000 + seq * 12960000 DIV $PAKT_JOBS,
       1772400060 + seq * 12960000 DIV $PAKT_JOBS, 1772400660 + seq * 12960000 DIV $PAKT_JOBS,
       '/p/project1/atlas/language-model/sweep-of-learning-rates',
       CONCAT('sbatch --parsable --account=atlas --nodes=1 --gpus-per-node=4 --export=ALL,SEED=', seq, ' train.sh'),
       '1=288,2=860000,4=1,5=288,1001=4,1002=4', '1=288,2=860000,4=1,5=288,1001=4', 1
FROM seq_1_to_$PAKT_JOBS;
