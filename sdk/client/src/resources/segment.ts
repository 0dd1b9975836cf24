import { resourceIdOf } from '@tessera/base';
import type {
  Layout,
  LayoutColumn,
  Segment,
  SegmentRange,
  SegmentState,
  SourceVersion,
} from '@tessera/cube';
import { cuboidOf, dimensionsOf } from '@tessera/cube';
import { metadata } from '@tessera/proto';
import { malformedMessage } from '../errors.ts';
import { dataTypeFromProto, dataTypeToProto } from './data-type.ts';
import { enumPair } from './enum-pair.ts';
import { valueFromProto, valueToProto } from './value.ts';

const states = enumPair<SegmentState>('segment state', {
  BUILDING: metadata.SegmentState.SEGMENT_STATE_BUILDING,
  READY: metadata.SegmentState.SEGMENT_STATE_READY,
  RETIRED: metadata.SegmentState.SEGMENT_STATE_RETIRED,
});

const layoutKinds = enumPair<Layout['kind']>('layout kind', {
  rows: metadata.LayoutKind.LAYOUT_KIND_ROWS,
  distinct: metadata.LayoutKind.LAYOUT_KIND_DISTINCT,
});

const roles = enumPair<LayoutColumn['role']>('column role', {
  dimension: metadata.LayoutColumnRole.LAYOUT_COLUMN_ROLE_DIMENSION,
  measure: metadata.LayoutColumnRole.LAYOUT_COLUMN_ROLE_MEASURE,
  bucket: metadata.LayoutColumnRole.LAYOUT_COLUMN_ROLE_BUCKET,
  bits: metadata.LayoutColumnRole.LAYOUT_COLUMN_ROLE_BITS,
});

/** The resource of a segment of `cube` (a resource name), without what only the metadata daemon sets. */
export function segmentToProto(segment: Segment, cube: string): metadata.Segment {
  return metadata.Segment.create({
    name: `${cube}/segments/${segment.id}`,
    range: segmentRangeToProto(segment.range),
    state: segmentStateToProto(segment.state),
    layouts: segment.layouts.map(layoutToProto),
    snapshots: segment.snapshots,
    sourceVersions: segment.sourceVersions,
    modelRevision: segment.modelRevision,
    sourceRows: segment.sourceRows,
    rejectedRows: segment.rejectedRows,
    builtAtMicros: segment.builtAt,
    unmatchedRows: segment.unmatchedRows,
  });
}

/** Quarantined layouts are left out: they count as missing. */
export function segmentFromProto(message: metadata.Segment): Segment {
  return {
    id: resourceIdOf(message.name),
    range: segmentRangeFromProto(message.range),
    state: segmentStateFromProto(message.state),
    layouts: message.layouts.filter(({ quarantined }) => !quarantined).map(layoutFromProto),
    snapshots: { ...message.snapshots },
    sourceVersions: mapValues(message.sourceVersions, sourceVersionFromProto),
    modelRevision: message.modelRevision,
    sourceRows: message.sourceRows,
    rejectedRows: message.rejectedRows,
    builtAt: message.builtAtMicros,
    unmatchedRows: { ...message.unmatchedRows },
  };
}

export function segmentStateToProto(state: SegmentState): metadata.SegmentState {
  return states.toProto(state) as metadata.SegmentState;
}

export function segmentStateFromProto(state: metadata.SegmentState): SegmentState {
  return states.fromProto(state);
}

export function segmentRangeToProto(range: SegmentRange): metadata.SegmentRange {
  switch (range.kind) {
    case 'all':
      return { kind: { $case: 'all', value: {} } };
    case 'null':
      return { kind: { $case: 'null', value: {} } };
    case 'range': {
      const value = { startMicros: range.start, endMicros: range.end };
      return { kind: { $case: 'range', value } };
    }
  }
}

export function segmentRangeFromProto(message: metadata.SegmentRange | undefined): SegmentRange {
  switch (message?.kind?.$case) {
    case 'all':
      return { kind: 'all' };
    case 'null':
      return { kind: 'null' };
    case 'range': {
      const { startMicros, endMicros } = message.kind.value;
      return { kind: 'range', start: startMicros, end: endMicros };
    }
    case undefined:
      throw malformedMessage('A segment range', 'it is absent');
  }
}

export function sourceVersionFromProto(message: metadata.SourceVersion): SourceVersion {
  return { known: message.known, token: message.token };
}

export function layoutToProto(layout: Layout): metadata.Layout {
  return {
    id: layout.id,
    kind: layoutKinds.toProto(layout.kind) as metadata.LayoutKind,
    dimensionIndexes: dimensionsOf(layout.cuboid),
    columns: layout.columns.map(layoutColumnToProto),
    sortColumns: [...layout.sortColumns],
    rowCount: layout.rowCount,
    sizeBytes: layout.sizeBytes,
    checksum: layout.checksum,
    fileDigest: layout.fileDigest,
    file: layout.file,
    quarantined: false,
  };
}

export function layoutFromProto(message: metadata.Layout): Layout {
  return {
    id: message.id,
    kind: layoutKinds.fromProto(message.kind),
    cuboid: cuboidOf(message.dimensionIndexes),
    columns: message.columns.map(layoutColumnFromProto),
    sortColumns: [...message.sortColumns],
    rowCount: message.rowCount,
    sizeBytes: message.sizeBytes,
    checksum: message.checksum,
    fileDigest: message.fileDigest,
    file: message.file,
  };
}

export function layoutColumnToProto(column: LayoutColumn): metadata.LayoutColumn {
  const { name, type, minimum, maximum, hasNulls } = column;
  return {
    name,
    type: dataTypeToProto(type),
    role: roles.toProto(column.role) as metadata.LayoutColumnRole,
    minimum: minimum === undefined ? undefined : valueToProto(minimum, type),
    maximum: maximum === undefined ? undefined : valueToProto(maximum, type),
    hasNulls,
  };
}

export function layoutColumnFromProto(message: metadata.LayoutColumn): LayoutColumn {
  const type = dataTypeFromProto(message.type);
  const { minimum, maximum, hasNulls } = message;
  return {
    name: message.name,
    type,
    role: roles.fromProto(message.role),
    ...(minimum === undefined ? {} : { minimum: valueFromProto(minimum, type) }),
    ...(maximum === undefined ? {} : { maximum: valueFromProto(maximum, type) }),
    ...(hasNulls === undefined ? {} : { hasNulls }),
  };
}

function mapValues<T, U>(
  record: Readonly<Record<string, T>>,
  change: (value: T) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
