/**
 * Jest's environment for Node, with an ordinary global object. Jest's own lies behind a Proxy: each `Array`, `Math` or
 * `JSON` that code names goes through it, which doubles the time of tests that compute.
 */
import vm from 'node:vm';

import { TestEnvironment } from 'jest-environment-node';

export default class extends TestEnvironment {
  constructor(config, context) {
    const { createContext } = vm;
    let contexts = 0;
    vm.createContext = () => {
      contexts += 1;
      return createContext(vm.constants.DONT_CONTEXTIFY);
    };
    try {
      super(config, context);
    } finally {
      vm.createContext = createContext;
    }
    if (contexts !== 1) throw new Error('Jest makes its contexts in another way now: look at test/environment.js');
  }
}
