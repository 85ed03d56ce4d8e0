-- What the site's submit filter does on Raven: it chooses the partition from the constraint, refuses GPUs without
-- one and jobs below a full node without memory, and makes jobs on four GPUs exclusive.

local FULL_NODE_GPUS = 4
local FULL_NODE_CPUS = 72

local function asks_for_gpus(job)
    return string.find(job.features or "", "gpu", 1, true) ~= nil
end

local function gpus_per_node(job)
    local request = job.tres_per_node or job.tres_per_job or ""
    if not string.find(request, "gpu", 1, true) then
        return 0
    end
    return tonumber(string.match(request, ":(%d+)$")) or 1
end

local function memory_given(job)
    return job.min_mem_per_node ~= nil or job.min_mem_per_cpu ~= nil
end

local function fills_node(job, gpus)
    if gpus > 0 then
        return gpus >= FULL_NODE_GPUS
    end
    return job.shared == 0 or (job.min_cpus ~= nil and job.min_cpus ~= slurm.NO_VAL and job.min_cpus >= FULL_NODE_CPUS)
end

function slurm_job_submit(job, partitions, submitter)
    local gpus = gpus_per_node(job)
    if job.partition == nil or job.partition == "" then
        if asks_for_gpus(job) then
            job.partition = "gpu"
        elseif gpus > 0 then
            slurm.log_user("GPU jobs need --constraint=gpu")
            return slurm.ERROR
        else
            job.partition = "general"
        end
    end
    if fills_node(job, gpus) then
        job.shared = 0
    elseif not memory_given(job) then
        slurm.log_user("jobs on a part of a node need --mem")
        return slurm.ERROR
    end
    return slurm.SUCCESS
end

function slurm_job_modify(job, record, partitions, submitter)
    return slurm.SUCCESS
end
