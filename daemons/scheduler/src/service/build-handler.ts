import { parseResourceName } from '@tessera/base';
import { projectOf } from '@tessera/daemon';
import { type Any, type longrunning, metadata, scheduler } from '@tessera/proto';
import { activeTraceparent } from '@tessera/telemetry';
import type { SchedulerClients } from '../clients.ts';
import { tooManyOperations } from '../errors.ts';
import { allCubes } from '../operations/operation.ts';
import { operationOf } from './operations-handler.ts';

/** Operations that may wait, in all and of one project. */
const maxWaiting = 1_000;
const maxWaitingPerProject = 500;
const typePrefix = 'type.googleapis.com/tessera.scheduler.v1.';

interface CubeRequest {
  readonly cube: string;
  readonly requestId: string;
}
interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
}

/** Writes down what was asked; the runner does it. */
export class BuildHandler implements scheduler.BuildServiceImplementation {
  readonly #clients: SchedulerClients;
  readonly #newId: () => string;

  /** `newId` gives an id that was never given before, such as a UUID. */
  constructor(clients: SchedulerClients, newId: () => string) {
    this.#clients = clients;
    this.#newId = newId;
  }

  buildSegments(request: scheduler.BuildSegmentsRequest) {
    return this.#enqueue('build', 'BuildSegmentsRequest', scheduler.BuildSegmentsRequest, request);
  }

  refreshSegments(request: scheduler.RefreshSegmentsRequest) {
    return this.#enqueue(
      'refresh',
      'RefreshSegmentsRequest',
      scheduler.RefreshSegmentsRequest,
      request,
    );
  }

  mergeSegments(request: scheduler.MergeSegmentsRequest) {
    return this.#enqueue('merge', 'MergeSegmentsRequest', scheduler.MergeSegmentsRequest, request);
  }

  dropSegments(request: scheduler.DropSegmentsRequest) {
    return this.#enqueue('drop', 'DropSegmentsRequest', scheduler.DropSegmentsRequest, request);
  }

  planCube(request: scheduler.PlanCubeRequest) {
    return this.#enqueue('plan', 'PlanCubeRequest', scheduler.PlanCubeRequest, request);
  }

  runMaintenance(request: scheduler.RunMaintenanceRequest) {
    return this.#enqueue(
      'maintenance',
      'RunMaintenanceRequest',
      scheduler.RunMaintenanceRequest,
      request,
    );
  }

  async #enqueue<Request extends CubeRequest>(
    kind: string,
    typeName: string,
    codec: Codec<Request>,
    request: Request,
  ): Promise<longrunning.Operation> {
    if (request.cube !== '' || kind !== 'maintenance') {
      parseResourceName(request.cube, 'projects/{project}/cubes/{cube}');
      await this.#clients.cubes.getCube({ name: request.cube }); // NOT_FOUND now rather than later.
    }
    await this.#refuseWhenFull(request.cube);
    const record = await this.#clients.operationRecords.createOperationRecord({
      operationRecordId: `${kind}-${request.requestId || this.#newId()}`,
      requestId: request.requestId || this.#newId(),
      operationRecord: {
        kind,
        target: request.cube || allCubes,
        request: {
          typeUrl: typePrefix + typeName,
          value: Buffer.from(codec.encode(request).finish()),
        } satisfies Any,
        state: metadata.OperationState.OPERATION_STATE_PENDING,
        traceparent: activeTraceparent(),
      },
    });
    return operationOf(record);
  }

  async #refuseWhenFull(cube: string): Promise<void> {
    const { operationRecords } = await this.#clients.operationRecords.listOperationRecords({
      states: [metadata.OperationState.OPERATION_STATE_PENDING],
      pageSize: maxWaiting,
    });
    if (operationRecords.length >= maxWaiting) throw tooManyOperations(maxWaiting);
    const project = projectOf(cube);
    const own = operationRecords.filter(({ target }) => projectOf(target) === project);
    if (own.length >= maxWaitingPerProject) throw tooManyOperations(maxWaitingPerProject, project);
  }
}
