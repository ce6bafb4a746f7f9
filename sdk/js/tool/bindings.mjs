// The generated bindings copy the arguments of each call of the host into the guest's memory and never free them: a connector that hands over a gigabyte
// would need a gigabyte. Here each call gives back what it borrowed. Made for the pinned version of componentize-js; another form is refused.

import { Problem } from './problem.mjs';

const IMPORTS = /^(?:function|class) import_[\s\S]*?^}$/gm;
const CALL = /^( *(?:ret = )?\$import_[\w$]+\(.*\);)$/gm;
const ENTERED = /\[Instruction::CallWasm\] enter/g;
const FIRST = /^const TEXT_DECODER_UTF8 = /m;
const LENDING = `const $lent = [];
const $lend = (pointer, oldLength, alignment, length) => {
  const lent = $realloc(pointer, oldLength, alignment, length);
  $lent.push(lent);
  return lent;
};
const $giveBack = () => {
  for (const pointer of $lent) $dealloc(pointer);
  $lent.length = 0;
};
`;

/** The bindings, with the memory of arguments given back after each call. */
export function returningLentMemory(bindings) {
  const entered = bindings.match(ENTERED)?.length ?? 0;
  let calls = 0;
  const changed = bindings.replace(IMPORTS, (block) =>
    block.replaceAll('$realloc', '$lend').replace(CALL, (call) => {
      calls += 1;
      return `${call}\n$giveBack();`;
    }),
  );
  if (calls !== entered || !FIRST.test(changed) || !changed.includes('$dealloc')) {
    throw new Problem('the bindings of componentize-js are not those that this SDK knows: install the pinned versions with `npm ci` in sdk/js');
  }
  return changed.replace(FIRST, (line) => `${LENDING}${line}`);
}
