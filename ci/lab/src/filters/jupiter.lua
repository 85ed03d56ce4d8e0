-- What the site's submit filter does on JUPITER: no account, no job; no GPUs asked for, all four of each node.

function slurm_job_submit(job, partitions, submitter)
    if job.account == nil or job.account == "" then
        slurm.log_user("no account given: use --account=<budget>")
        return slurm.ESLURM_INVALID_ACCOUNT
    end
    if job.tres_per_node == nil and job.tres_per_job == nil and job.tres_per_socket == nil and job.tres_per_task == nil then
        job.tres_per_node = "gres:gpu:4"
    end
    return slurm.SUCCESS
end

function slurm_job_modify(job, record, partitions, submitter)
    return slurm.SUCCESS
end
