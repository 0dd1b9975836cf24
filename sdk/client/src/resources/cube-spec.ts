import type { AggregationGroupSpec, CubeSpec, SegmentsSpec } from '@tessera/cube';
import type { metadata } from '@tessera/proto';
import { malformedMessage } from '../errors.ts';
import { grains, nameListsFromProto, nameListsToProto } from './model-spec.ts';

export function cubeSpecToProto(spec: CubeSpec): metadata.CubeSpec {
  return {
    model: spec.model,
    groups: spec.groups.map((group) => ({
      include: [...group.include],
      mandatory: [...group.mandatory],
      joint: nameListsToProto(group.joint),
      hierarchies: nameListsToProto(group.hierarchies),
      maxDimensions: group.maxDimensions,
      measures: [...(group.measures ?? [])],
    })),
    planner: spec.planner && { budget: spec.planner.budget },
    cuboids: nameListsToProto(spec.cuboids),
    segments: {
      every: grains.optionalToProto(spec.segments.every) as metadata.Grain,
      autoMerge: spec.segments.autoMerge.map((grain) => grains.toProto(grain) as metadata.Grain),
      retain: spec.segments.retain ?? '',
    },
    replication: spec.replication ?? 0,
  };
}

export function cubeSpecFromProto(message: metadata.CubeSpec | undefined): CubeSpec {
  if (message === undefined) throw malformedMessage('A cube', 'it has no spec');
  return {
    model: message.model,
    groups: message.groups.map(groupFromProto),
    ...(message.planner ? { planner: { budget: message.planner.budget } } : {}),
    cuboids: nameListsFromProto(message.cuboids),
    segments: segmentsFromProto(message.segments),
    ...(message.replication !== 0 ? { replication: message.replication } : {}),
  };
}

function groupFromProto(message: metadata.AggregationGroupSpec): AggregationGroupSpec {
  const { maxDimensions, measures } = message;
  return {
    include: [...message.include],
    mandatory: [...message.mandatory],
    joint: nameListsFromProto(message.joint),
    hierarchies: nameListsFromProto(message.hierarchies),
    ...(maxDimensions === undefined ? {} : { maxDimensions }),
    ...(measures.length === 0 ? {} : { measures: [...measures] }),
  };
}

function segmentsFromProto(message: metadata.SegmentsSpec | undefined): SegmentsSpec {
  const every = grains.optionalFromProto(message?.every ?? 0);
  return {
    ...(every ? { every } : {}),
    autoMerge: (message?.autoMerge ?? []).map(grains.fromProto),
    ...(message?.retain ? { retain: message.retain } : {}),
  };
}
