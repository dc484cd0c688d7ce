// The benchmark's client as a process of its own: takes a job over its IPC channel, answers with figures or a failure.
import { doJob, type Job } from './client.ts';

process.once('message', (job: Job) => {
  doJob(job).then(
    (figures) => process.send!({ figures }),
    (error: Error) => process.send!({ failure: error.message }),
  );
});
