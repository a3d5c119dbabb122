import { readLines } from './lib/resources.ts';
import { makeEdition } from './deid/editions.ts';
import { clean, newKeys, scopeOf } from './deid/guarded.ts';
import { collectGarbage } from './lib/memory.ts';
import { compilePolicy } from '../src/deid/compile.ts';
const lines=readLines('data/synthea');
const policy=compilePolicy({apiVersion:'fhir-sluice/v1',extends:'safe-harbor'},scopeOf([]));
const keys=newKeys();
let last=0;
for (let i=0;i<140;i++){ const e=makeEdition(lines,1+i,[policy]); const w=e.wordsUnder(policy); const t=performance.now(), c=process.threadCpuUsage(); for (const r of e.resources) clean(r,policy,keys,w); const d=process.threadCpuUsage(c);
 if(i%10===9){ const wall=performance.now()-t; collectGarbage(); const h=process.memoryUsage().heapUsed; console.log(i+1,h,((h-last)/10/lines.length).toFixed(0),wall.toFixed(0),((d.user+d.system)/1000).toFixed(0)); last=h;} }
